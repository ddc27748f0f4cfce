package main

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// program is an entry of a container that a test makes.
type program struct {
	kind, arch int
	fill       byte
}

func container(programs ...program) []byte {
	var body []byte
	for _, p := range programs {
		e := make([]byte, entryMin+16)
		binary.LittleEndian.PutUint16(e[atKind:], uint16(p.kind))
		binary.LittleEndian.PutUint32(e[atEntryHeader:], entryMin)
		binary.LittleEndian.PutUint64(e[atEntrySize:], 16)
		binary.LittleEndian.PutUint32(e[atArch:], uint32(p.arch))
		for i := entryMin; i < len(e); i++ {
			e[i] = p.fill
		}
		body = append(body, e...)
	}
	head := make([]byte, headerMin)
	binary.LittleEndian.PutUint32(head, magic)
	binary.LittleEndian.PutUint16(head[atHeaderSize:], headerMin)
	binary.LittleEndian.PutUint64(head[atSize:], uint64(len(body)))
	return append(head, body...)
}

// left is the fills that are still there.
func left(section []byte) (fills []byte) {
	for _, b := range []byte("abcdef") {
		if bytes.Count(section, bytes.Repeat([]byte{b}, 16)) > 0 {
			fills = append(fills, b)
		}
	}
	return fills
}

func TestTrim(t *testing.T) {
	all := []program{{code, 75, 'a'}, {code, 80, 'b'}, {code, 86, 'c'}, {code, 90, 'd'}, {code, 120, 'e'}, {ptx, 80, 'f'}}
	for _, c := range []struct {
		name     string
		programs []program
		arch     int
		left     string
	}{
		{"Hopper", all, 90, "d"},
		{"T4", all, 75, "a"},
		{"an L4 runs code for the A10G", all, 89, "c"},
		{"code for newer GPUs of a generation is of no use", []program{{code, 86, 'a'}, {code, 80, 'b'}}, 80, "b"},
		{"PTX where there is no code", all, 100, "f"},
		{"PTX for newer GPUs is of no use", []program{{code, 75, 'a'}, {ptx, 90, 'b'}}, 80, ""},
		{"another generation", []program{{code, 75, 'a'}, {code, 80, 'b'}}, 90, ""},
	} {
		before := container(c.programs...)
		// Containers follow each other, with what fills up to 8 bytes between them.
		section := slices.Concat(make([]byte, 8), before, make([]byte, 16), before)
		var sum tally
		if err := trim(section, c.arch, &sum); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if got := string(left(section)); got != c.left {
			t.Errorf("%s: %q is left, want %q", c.name, got, c.left)
		}
		if want := 2 * 16 * len(c.left); sum.kept != want || sum.kept+sum.blanked != 2*16*len(c.programs) {
			t.Errorf("%s: %d bytes kept, %d blanked, want %d kept", c.name, sum.kept, sum.blanked, want)
		}
	}
}

func TestTrimRefusesWhatItDoesNotUnderstand(t *testing.T) {
	for name, spoil := range map[string]func([]byte){
		"a container that ends behind the section": func(b []byte) { binary.LittleEndian.PutUint64(b[atSize:], 1<<40) },
		"a container without a header":             func(b []byte) { binary.LittleEndian.PutUint16(b[atHeaderSize:], 0) },
		"an entry that ends behind its container":  func(b []byte) { binary.LittleEndian.PutUint64(b[headerMin+atEntrySize:], 1<<63) },
		"an entry without a header":                func(b []byte) { binary.LittleEndian.PutUint32(b[headerMin+atEntryHeader:], 0) },
	} {
		b := container(program{code, 90, 'a'})
		spoil(b)
		if err := trim(b, 90, &tally{}); err == nil || !strings.Contains(err.Error(), "does not fit") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The provider as it is shipped: what is left of it for each GPU, and that nothing else
// of the file changes.
func TestTrimOfTheRealProvider(t *testing.T) {
	dir := os.Getenv("STREAMVET_ORT_GPU_DIR")
	if dir == "" {
		t.Skip("STREAMVET_ORT_GPU_DIR is not set: `scripts/onnxruntime.sh --gpu` prints what it should be, make test does so")
	}
	in := filepath.Join(dir, "libonnxruntime_providers_cuda.so")
	whole, err := os.ReadFile(in)
	if err != nil {
		t.Fatal(err)
	}
	for _, arch := range []int{75, 90} {
		out := filepath.Join(t.TempDir(), "trimmed.so")
		if err := run(in, out, arch); err != nil {
			t.Fatalf("sm_%d: %v", arch, err)
		}
		trimmed, err := os.ReadFile(out)
		if err != nil || len(trimmed) != len(whole) {
			t.Fatalf("sm_%d: %d bytes, %v", arch, len(trimmed), err)
		}
		zeroed := 0
		for i := range whole {
			if trimmed[i] == whole[i] {
				continue
			}
			if trimmed[i] != 0 {
				t.Fatalf("sm_%d: byte %d was changed to %d", arch, i, trimmed[i])
			}
			zeroed++
		}
		if share := float64(zeroed) / float64(len(whole)); share < 0.4 || share > 0.75 {
			t.Errorf("sm_%d: %.0f %% of the file was blanked", arch, 100*share)
		}
	}
	if err := run(in, filepath.Join(t.TempDir(), "x"), 70); err == nil || !strings.Contains(err.Error(), "it has code for sm_75, sm_80, sm_86, sm_89, sm_90, sm_120") {
		t.Errorf("for a GPU that it does not know: %v", err)
	}
}
