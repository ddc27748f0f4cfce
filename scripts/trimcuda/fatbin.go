package main

import (
	"encoding/binary"
	"fmt"
)

// A fat binary is a container with entries, each the same program for one architecture.
// The layout is not documented; these are the fields that the tools agree on.
const (
	magic         = 0xBA55ED50 // u32 at the start of a container, which is aligned to 8 bytes
	atHeaderSize  = 6          // u16, of the container
	atSize        = 8          // u64, of all its entries
	headerMin     = 16
	atKind        = 0 // u16, of an entry: 1 is PTX, 2 machine code
	atEntryHeader = 4 // u32
	atEntrySize   = 8 // u64
	atArch        = 28
	entryMin      = 64
	ptx, code     = 1, 2
)

// entry is one program of a container.
type entry struct {
	kind, arch int
	body       []byte
}

// trim blanks, in a section of containers, what a GPU of architecture arch would not
// load.
func trim(section []byte, arch int, t *tally) error {
	for at := 0; at+headerMin <= len(section); {
		if binary.LittleEndian.Uint32(section[at:]) != magic {
			at += 8
			continue
		}
		header := uint64(binary.LittleEndian.Uint16(section[at+atHeaderSize:]))
		size := binary.LittleEndian.Uint64(section[at+atSize:])
		if header < headerMin || size > uint64(len(section)) || uint64(at)+header+size > uint64(len(section)) {
			return fmt.Errorf("the fat binary at %d does not fit: is the layout another one by now?", at)
		}
		entries, err := entriesOf(section[uint64(at)+header : uint64(at)+header+size])
		if err != nil {
			return fmt.Errorf("fat binary at %d: %w", at, err)
		}
		blank(entries, arch, t)
		at += int(header + size)
		at = (at + 7) &^ 7
	}
	return nil
}

func entriesOf(container []byte) (all []entry, err error) {
	for len(container) >= entryMin {
		header := uint64(binary.LittleEndian.Uint32(container[atEntryHeader:]))
		size := binary.LittleEndian.Uint64(container[atEntrySize:])
		if header < entryMin || header > 4096 || size > uint64(len(container)) || header+size > uint64(len(container)) {
			return nil, fmt.Errorf("entry %d does not fit: is the layout another one by now?", len(all))
		}
		all = append(all, entry{
			kind: int(binary.LittleEndian.Uint16(container[atKind:])),
			arch: int(binary.LittleEndian.Uint32(container[atArch:])),
			body: container[header : header+size],
		})
		container = container[header+size:]
	}
	return all, nil
}

// blank leaves what the driver would choose: machine code of the same generation that
// is not newer, the newest of it; without such, PTX.
func blank(entries []entry, arch int, t *tally) {
	best := 0
	for _, e := range entries {
		t.seen = append(t.seen, e.arch)
		if e.kind == code && e.arch/10 == arch/10 && e.arch <= arch {
			best = max(best, e.arch)
		}
	}
	for _, e := range entries {
		if e.kind == code && e.arch == best || e.kind == ptx && best == 0 && e.arch <= arch {
			t.kept += len(e.body)
			continue
		}
		t.blanked += len(e.body)
		clear(e.body)
	}
}
