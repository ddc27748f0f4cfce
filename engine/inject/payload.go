package inject

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"
)

// unit is a piece of the coded pictures that can be lost as a whole.
type unit struct {
	frame   int64  // the picture it belongs to, in the order in which they are shown
	key     int64  // names it: its offset in the file
	body    int64  // first byte of the coded picture in it; in transport streams only
	at, end int64  // bytes of it that may be changed; none where at >= end
	last    int64  // end of the coded slice that it lies in; not in transport streams
	data    []byte // the bytes from at to end; valid during the visit only
}

// payload is an encoded file whose coded pictures can be damaged.
type payload interface {
	// walk visits all units but those of the first picture, in the order of the file.
	walk(ctx context.Context, visit func(unit)) error
	// nals visits the coded slices of all pictures but the first, as wholes.
	nals(ctx context.Context, visit func(nal)) error
	// damage writes the file with the harm done.
	damage(ctx context.Context, h *harm, dst string) error
}

// nal is a coded slice that can be lost as a whole: with the byte at `header`
// turned to `filler`, decoders pass over it.
type nal struct {
	frame          int64
	header         int64 // offset in the file
	before, filler byte  // the byte that is there, and the one that makes it padding
	size           int
}

// syntax is how a codec marks its slices.
type syntax struct {
	slice func(header byte) bool
	// filler makes a header that decoders pass over.
	filler func(header byte) byte
	name   string
}

// syntaxOf knows codecs by the name of the encoder; false where slices cannot be
// told apart.
func syntaxOf(encoder string) (syntax, bool) {
	switch encoder {
	case "libx264":
		return syntax{func(h byte) bool { return h&31 >= 1 && h&31 <= 5 }, func(byte) byte { return 12 }, "H.264"}, true
	case "libx265":
		return syntax{func(h byte) bool { return h>>1&63 < 32 }, func(h byte) byte { return h&^(63<<1) | 38<<1 }, "HEVC"}, true
	case "mpeg2video":
		return syntax{func(h byte) bool { return h >= 0x01 && h <= 0xaf }, func(byte) byte { return 0xb0 }, "MPEG-2"}, true
	}
	return syntax{}, false
}

// protectBytes of a coded picture, or of a slice, stay whole: start codes and headers.
const protectBytes = 16

// openPayload finds the coded pictures of a file that was just encoded.
func openPayload(ctx context.Context, t Tools, e encoding, rate Rate, path string) (payload, error) {
	syntax, _ := syntaxOf(e.pictures)
	if e.container.format == "mpegts" {
		return &transport{path: path, rate: rate, syntax: syntax}, nil
	}
	packets, err := t.packets(ctx, path, "v:0", rate.FPS())
	if err != nil {
		return nil, fmt.Errorf("find the coded pictures: %w", err)
	}
	p := &packetFile{path: path, packets: packets, split: wholePacket, syntax: syntax}
	if e.container.matroska() {
		p.skipBlockHeaders()
	}
	if e.pictures == "libx264" || e.pictures == "libx265" {
		p.split = slicesOf(syntax.slice)
	}
	return p, nil
}

// packets asks ffprobe where the packets of a track lie; perSecond is the grid
// that their times are put on.
func (t Tools) packets(ctx context.Context, path, track string, perSecond float64) ([]codedPicture, error) {
	out, err := runQuiet(ctx, t.Probe, "-v", "error", "-select_streams", track, "-show_entries", "packet=pts_time,size,pos", "-of", "csv=p=0", fileURL(path))
	if err != nil {
		return nil, err
	}
	return parsePackets(out, perSecond)
}

// matroskaBlockHeader is the track number, the time and the flags in front of a
// block's data; FFmpeg gives the position of the former.
const matroskaBlockHeader = 4

// codedPicture is a packet of the picture track and where its data lie.
type codedPicture struct {
	frame    int64
	at, size int64
}

// parsePackets reads ffprobe's lines of time, size and position.
func parsePackets(out []byte, perSecond float64) ([]codedPicture, error) {
	var list []codedPicture
	var times []float64
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		f := strings.Split(strings.TrimRight(lines.Text(), ","), ",")
		if len(f) == 1 && f[0] == "" {
			continue
		}
		if len(f) < 3 || f[0] == "N/A" || f[2] == "N/A" {
			return nil, fmt.Errorf("a packet without time or position (%s)", lines.Text())
		}
		times = append(times, number(f[0]))
		list = append(list, codedPicture{size: int64(number(f[1])), at: int64(number(f[2]))})
	}
	if list == nil {
		return nil, fmt.Errorf("there are none")
	}
	first := slices.Min(times)
	for i := range list {
		list[i].frame = int64(math.Round((times[i] - first) * perSecond))
	}
	return list, nil
}

// packetFile is a file in which every coded picture lies in one piece.
type packetFile struct {
	path    string
	packets []codedPicture
	// split finds the parts of a coded picture's data that may be changed.
	split  func(data []byte) []span
	syntax syntax
}

func (p *packetFile) skipBlockHeaders() {
	for i := range p.packets {
		p.packets[i].at += matroskaBlockHeader
	}
}

func wholePacket(data []byte) []span { return []span{{4 * protectBytes, int64(len(data))}} }

// slicesOf finds the coded slices in NAL units with a length of 4 bytes in front,
// as MP4 and Matroska hold them; slice tells them from parameter sets by the header byte.
func slicesOf(slice func(header byte) bool) func([]byte) []span {
	return func(data []byte) []span {
		var out []span
		for at := 0; at+5 <= len(data); {
			size := int(binary.BigEndian.Uint32(data[at:]))
			if size < 1 || size > len(data)-at-4 {
				break
			}
			if slice(data[at+4]) {
				out = append(out, span{int64(at + 4 + protectBytes), int64(at + 4 + size)})
			}
			at += 4 + size
		}
		return out
	}
}

// eachPicture visits the data of all coded pictures but the first.
func (p *packetFile) eachPicture(ctx context.Context, visit func(c codedPicture, data []byte)) error {
	f, err := os.Open(p.path)
	if err != nil {
		return err
	}
	defer f.Close()
	for _, c := range p.packets {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if c.frame == 0 || c.size == 0 {
			continue
		}
		data := make([]byte, c.size)
		if _, err := f.ReadAt(data, c.at); err != nil {
			return fmt.Errorf("read a coded picture: %w", err)
		}
		visit(c, data)
	}
	return nil
}

func (p *packetFile) walk(ctx context.Context, visit func(unit)) error {
	return p.eachPicture(ctx, func(c codedPicture, data []byte) {
		for _, s := range p.split(data) {
			for at := s.start; at < s.end; at += lossUnitBytes {
				end := min(at+lossUnitBytes, s.end)
				visit(unit{frame: c.frame, key: c.at + at, at: c.at + at, end: c.at + end, last: c.at + s.end, data: data[at:end]})
			}
		}
	})
}

func (p *packetFile) nals(ctx context.Context, visit func(nal)) error {
	return p.eachPicture(ctx, func(c codedPicture, data []byte) {
		at := func(i int) int64 { return c.at + int64(i) }
		if p.syntax.name == "MPEG-2" {
			p.syntax.startCodes(data, c.frame, at, visit)
		} else {
			p.syntax.lengths(data, c.frame, at, visit)
		}
	})
}

// lengths finds slices in NAL units with their length in 4 bytes in front.
func (s syntax) lengths(data []byte, frame int64, at func(int) int64, visit func(nal)) {
	for i := 0; i+5 <= len(data); {
		size := int(binary.BigEndian.Uint32(data[i:]))
		if size < 1 || size > len(data)-i-4 {
			return
		}
		if h := data[i+4]; s.slice(h) {
			visit(nal{frame: frame, header: at(i + 4), before: h, filler: s.filler(h), size: size})
		}
		i += 4 + size
	}
}

// startCodes finds slices between start codes.
func (s syntax) startCodes(data []byte, frame int64, at func(int) int64, visit func(nal)) {
	code := []byte{0, 0, 1}
	for i := bytes.Index(data, code); i >= 0 && i+3 < len(data); {
		next := bytes.Index(data[i+3:], code)
		size := len(data) - i - 3
		if next >= 0 {
			size = next
		}
		if h := data[i+3]; s.slice(h) {
			visit(nal{frame: frame, header: at(i + 3), before: h, filler: s.filler(h), size: size})
		}
		if next < 0 {
			return
		}
		i += 3 + next
	}
}

// damage takes lost units out of their slice: what follows moves up, and zeros,
// which decoders take for padding, fill the slice.
func (p *packetFile) damage(ctx context.Context, h *harm, dst string) error {
	if err := copyFile(dst, p.path); err != nil {
		return err
	}
	f, err := os.OpenFile(dst, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	for at, bits := range h.flips {
		var b [1]byte
		if _, err := f.ReadAt(b[:], at); err != nil {
			return err
		}
		b[0] ^= bits
		if _, err := f.WriteAt(b[:], at); err != nil {
			return err
		}
	}
	if err := p.cutOut(ctx, f, h); err != nil {
		return err
	}
	return f.Close()
}

func (p *packetFile) cutOut(ctx context.Context, f *os.File, h *harm) error {
	if len(h.lost) == 0 {
		return nil
	}
	lost := map[int64][]unit{} // by the end of their slice
	err := p.walk(ctx, func(u unit) {
		if h.lost[u.key] {
			lost[u.last] = append(lost[u.last], u)
		}
	})
	if err != nil {
		return err
	}
	for last, units := range lost {
		from := units[0].at
		data := make([]byte, last-from)
		if _, err := f.ReadAt(data, from); err != nil {
			return err
		}
		kept := make([]byte, 0, len(data))
		at := from
		for _, u := range units {
			kept = append(kept, data[at-from:u.at-from]...)
			at = u.end
		}
		kept = append(kept, data[at-from:]...)
		if _, err := f.WriteAt(kept[:len(data)], from); err != nil { // the rest of its capacity is zero
			return err
		}
	}
	return nil
}

func copyFile(dst, src string) error {
	in, err := os.Open(src)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(dst, os.O_WRONLY|os.O_TRUNC|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		out.Close()
		return fmt.Errorf("copy the clean encode: %w", err)
	}
	return out.Close()
}
