package inject

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
)

const (
	tsPacketBytes = 188
	tsSync        = 0x47
	tsClockHz     = 90000
)

// transport is an MPEG transport stream (ISO/IEC 13818-1) with one programme.
type transport struct {
	path   string
	rate   Rate
	syntax syntax
}

// tsScan finds the packets of the picture track while a transport stream goes by.
type tsScan struct {
	rate      Rate
	pmt, pid  int // of the programme's map and of its pictures; 0: not seen yet
	first     int64
	seen      bool  // first is known
	frame     int64 // of the coded picture that goes by
	pictureAt int64 // bytes of it that went by
	key       bool  // it can be decoded by itself
}

// next looks at the packet at an offset of the file; ok is false where it
// carries no picture.
func (s *tsScan) next(p []byte, offset int64) (u unit, ok bool) {
	if p[0] != tsSync {
		return u, false
	}
	pid := int(p[1]&0x1f)<<8 | int(p[2])
	start, body := p[1]&0x40 != 0, 4
	if p[3]&0x20 != 0 { // adaptation field
		body += 1 + int(p[4])
	}
	if p[3]&0x10 == 0 || body >= len(p) {
		return u, false
	}
	switch {
	case pid == 0 && start:
		s.pmt = programMap(p[body:])
	case pid == s.pmt && s.pmt != 0 && start:
		s.pid = picturePID(p[body:])
	case pid == s.pid && s.pid != 0:
		if start {
			s.key = body > 5 && p[5]&0x40 != 0 // random_access_indicator
			header, ok := s.begin(p[body:])
			if !ok {
				return u, false
			}
			body += header
		}
		return s.unit(p, offset, body)
	}
	return u, false
}

// unit keeps the head of each coded picture out of reach: with key pictures that
// is the parameter sets too.
func (s *tsScan) unit(p []byte, offset int64, body int) (unit, bool) {
	protect := int64(4 * protectBytes)
	if s.key {
		protect = 12 * protectBytes
	}
	skip := max(0, protect-s.pictureAt)
	s.pictureAt += int64(len(p) - body)
	u := unit{frame: s.frame, key: offset, body: offset + int64(body), at: offset + int64(body) + skip, end: offset + int64(len(p))}
	return u, s.seen && s.frame != 0
}

// begin reads the header of a PES packet and gives its length.
func (s *tsScan) begin(b []byte) (header int, ok bool) {
	if len(b) < 14 || b[0] != 0 || b[1] != 0 || b[2] != 1 || b[7]&0x80 == 0 {
		return 0, false
	}
	pts := int64(b[9]>>1&7)<<30 | int64(b[10])<<22 | int64(b[11]>>1)<<15 | int64(b[12])<<7 | int64(b[13]>>1)
	if !s.seen {
		s.first, s.seen = pts, true
	}
	const wrap = 1 << 33
	s.frame = int64(math.Round(float64((pts-s.first+wrap/2+wrap)%wrap-wrap/2) / tsClockHz * s.rate.FPS()))
	s.pictureAt = 0
	return min(9+int(b[8]), len(b)), true
}

// programMap takes the PID of the first programme's map from a program
// association section; 0 for none.
func programMap(b []byte) int {
	if len(b) < 1 || int(b[0])+13 > len(b) {
		return 0
	}
	b = b[1+int(b[0]):] // pointer field
	for at := 8; at+4 <= len(b); at += 4 {
		if program := int(b[at])<<8 | int(b[at+1]); program != 0 {
			return int(b[at+2]&0x1f)<<8 | int(b[at+3])
		}
	}
	return 0
}

// picturePID takes the PID of the first picture track from a program map section.
func picturePID(b []byte) int {
	if len(b) < 1 || int(b[0])+13 > len(b) {
		return 0
	}
	b = b[1+int(b[0]):]
	end := min(3+int(b[1]&0xf)<<8+int(b[2])-4, len(b)) // without the CRC
	for at := 12 + int(b[10]&0xf)<<8 + int(b[11]); at+5 <= end; at += 5 + int(b[at+3]&0xf)<<8 + int(b[at+4]) {
		switch b[at] { // stream_type: MPEG-1, MPEG-2, MPEG-4, H.264, HEVC
		case 0x01, 0x02, 0x10, 0x1b, 0x24:
			return int(b[at+1]&0x1f)<<8 | int(b[at+2])
		}
	}
	return 0
}

// each calls f for every packet of the file.
func (t *transport) each(ctx context.Context, f func(p []byte, offset int64, u unit, ok bool) error) error {
	in, err := os.Open(t.path)
	if err != nil {
		return err
	}
	defer in.Close()
	r := bufio.NewReaderSize(in, 1<<20)
	scan := tsScan{rate: t.rate}
	p := make([]byte, tsPacketBytes)
	for offset := int64(0); ; offset += tsPacketBytes {
		if _, err := io.ReadFull(r, p); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("read the transport stream: %w", err)
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		u, ok := scan.next(p, offset)
		if err := f(p, offset, u, ok); err != nil {
			return err
		}
	}
}

func (t *transport) walk(ctx context.Context, visit func(unit)) error {
	return t.each(ctx, func(p []byte, offset int64, u unit, ok bool) error {
		if ok {
			if u.at < u.end {
				u.data = p[u.at-offset : u.end-offset]
			}
			visit(u)
		}
		return nil
	})
}

// nals puts the coded pictures together from their packets, one at a time.
func (t *transport) nals(ctx context.Context, visit func(nal)) error {
	var data []byte
	var pieces []piece
	frame := int64(-1)
	flush := func() {
		t.syntax.startCodes(data, frame, func(i int) int64 { return placeOf(pieces, i) }, visit)
		data, pieces = data[:0], pieces[:0]
	}
	err := t.each(ctx, func(p []byte, offset int64, u unit, ok bool) error {
		if !ok {
			return nil
		}
		if u.frame != frame {
			flush()
			frame = u.frame
		}
		pieces = append(pieces, piece{len(data), u.body})
		data = append(data, p[u.body-offset:]...)
		return nil
	})
	flush()
	return err
}

// piece is where in the file the bytes of a coded picture lie from one on.
type piece struct {
	start int
	at    int64
}

func placeOf(pieces []piece, i int) int64 {
	n, _ := slices.BinarySearchFunc(pieces, i+1, func(p piece, i int) int { return p.start - i })
	return pieces[n-1].at + int64(i-pieces[n-1].start)
}

// damage leaves lost packets out, as a receiver would.
func (t *transport) damage(ctx context.Context, h *harm, dst string) error {
	out, err := os.Create(dst)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(out, 1<<20)
	err = t.each(ctx, func(p []byte, offset int64, u unit, ok bool) error {
		if ok && h.lost[u.key] {
			return nil
		}
		if ok && len(h.flips) > 0 {
			for at := u.body; at < u.end; at++ {
				p[at-offset] ^= h.flips[at]
			}
		}
		_, err := w.Write(p)
		return err
	})
	if err == nil {
		err = w.Flush()
	}
	return errors.Join(err, out.Close())
}
