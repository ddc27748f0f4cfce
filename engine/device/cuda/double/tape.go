package double

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"io"
	"os"
	"path/filepath"
)

// Picture is one decoded picture as a decoder's surface holds it, without gaps
// between its rows: luma, then U and V interleaved (NV12, P010, P016), or, with
// Planar, three planes of the same size. Samples of more than 8 bits take 2 bytes,
// their bits at the upper end.
type Picture struct {
	Width, Height int
	Deep          bool // samples of 2 bytes
	Planar        bool // 4:4:4
	Data          []byte
}

// bytes is the size of Data.
func (p Picture) bytes() int {
	n := p.Width*p.Height + 2*((p.Width+1)/2)*((p.Height+1)/2)
	if p.Planar {
		n = 3 * p.Width * p.Height
	}
	if p.Deep {
		n *= 2
	}
	return n
}

// magic begins a tape. An entry for each picture follows: its key, width, height,
// bytes a sample and number of planes, the size of the data, the data.
const magic = "SVTAPE1\n"

type tapeWriter struct {
	file *os.File
	w    *bufio.Writer
	path string
}

// newTape makes a tape that is seen by decoders only once it is finished.
func newTape(path string) (*tapeWriter, error) {
	f, err := os.CreateTemp(filepath.Dir(path), "making-*")
	if err != nil {
		return nil, err
	}
	t := &tapeWriter{file: f, w: bufio.NewWriterSize(f, 1<<20), path: path}
	_, err = t.w.WriteString(magic)
	return t, err
}

func (t *tapeWriter) add(key uint64, p Picture) error {
	if len(p.Data) != p.bytes() {
		return fmt.Errorf("a picture of %dx%d has %d bytes, not %d", p.Width, p.Height, len(p.Data), p.bytes())
	}
	sample, planes := uint32(1), uint32(2)
	if p.Deep {
		sample = 2
	}
	if p.Planar {
		planes = 3
	}
	head := struct {
		Key                           uint64
		Width, Height, Sample, Planes uint32
		Bytes                         uint64
	}{key, uint32(p.Width), uint32(p.Height), sample, planes, uint64(len(p.Data))}
	if err := binary.Write(t.w, binary.LittleEndian, head); err != nil {
		return err
	}
	_, err := t.w.Write(p.Data)
	return err
}

func (t *tapeWriter) finish() error {
	err := t.w.Flush()
	if e := t.file.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(t.file.Name(), t.path)
	}
	return err
}

// abandon removes a tape that will not be finished.
func (t *tapeWriter) abandon() {
	t.file.Close()
	os.Remove(t.file.Name())
}

// WriteTape writes a tape for every decoder of a codec (h264, hevc, mpeg2, vp9, ...)
// with this coded size, whatever it is given to decode: its n-th picture, in the order
// of decoding, is the n-th that next gives, until next gives io.EOF. What Record knows
// of a bitstream goes before it.
func WriteTape(folder, codec string, codedWidth, codedHeight int, next func() (Picture, error)) error {
	name := fmt.Sprintf("%s %dx%d", codec, codedWidth, codedHeight)
	t, err := newTape(filepath.Join(folder, name+".tape"))
	if err != nil {
		return fmt.Errorf("write the tape of %s: %w", name, err)
	}
	for n := 0; ; n++ {
		p, err := next()
		if err == io.EOF {
			break
		}
		if err == nil {
			err = t.add(sequenceKey(name, n), p)
		}
		if err != nil {
			t.abandon()
			return fmt.Errorf("write the tape of %s, picture %d: %w", name, n, err)
		}
	}
	return t.finish()
}

// sequenceKey is the key of a decoder's n-th picture (nvcuvid/decoder.cc).
func sequenceKey(decoder string, n int) uint64 {
	h := fnv.New64a()
	fmt.Fprintf(h, "%s #%d", decoder, n)
	return h.Sum64()
}
