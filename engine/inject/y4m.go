package inject

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// y4mReader reads the raw pictures that an ffmpeg program writes as YUV4MPEG2:
// unlike bare frames, they come with their size (after rotation and cropping).
type y4mReader struct {
	r             *bufio.Reader
	header        string
	width, height int
}

const y4mLineMax = 1024

func newY4MReader(r io.Reader) (*y4mReader, error) {
	y := &y4mReader{r: bufio.NewReaderSize(r, 1<<20)}
	line, err := y.line()
	if err != nil {
		return nil, err
	}
	fields := strings.Fields(line)
	if len(fields) == 0 || fields[0] != "YUV4MPEG2" {
		return nil, fmt.Errorf("not raw pictures: %.40q", line)
	}
	for i, f := range fields[1:] {
		var err error
		switch f[0] {
		case 'W':
			y.width, err = strconv.Atoi(f[1:])
		case 'H':
			y.height, err = strconv.Atoi(f[1:])
		case 'C':
			if !strings.HasPrefix(f, "C420") || strings.HasPrefix(f, "C420p") && f != "C420paldv" {
				err = errors.New("not 8-bit 4:2:0")
			}
		case 'I':
			fields[i+1] = "Ip" // pictures are coded whole, whatever their fields were
		}
		if err != nil {
			return nil, fmt.Errorf("raw pictures of an unknown form: %s: %w", f, err)
		}
	}
	if y.width < 1 || y.height < 1 || y.width > 1<<15 || y.height > 1<<15 {
		return nil, fmt.Errorf("pictures of %d x %d are not possible", y.width, y.height)
	}
	y.header = strings.Join(fields, " ")
	return y, nil
}

// line reads to the end of a line that is not too long.
func (y *y4mReader) line() (string, error) {
	var out []byte
	for len(out) < y4mLineMax {
		b, err := y.r.ReadByte()
		if err != nil {
			if len(out) > 0 && errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return "", err
		}
		if b == '\n' {
			return string(out), nil
		}
		out = append(out, b)
	}
	return "", errors.New("not raw pictures: no end of line")
}

// next reads one picture into p; io.EOF at the end.
func (y *y4mReader) next(p *Picture) error {
	line, err := y.line()
	if err != nil {
		return err
	}
	if !strings.HasPrefix(line, "FRAME") {
		return fmt.Errorf("not a raw picture: %.40q", line)
	}
	if _, err := io.ReadFull(y.r, p.Data); err != nil {
		return fmt.Errorf("raw picture cut short: %w", err)
	}
	return nil
}

func writeY4MHeader(w io.Writer, header string) error {
	_, err := io.WriteString(w, header+"\n")
	return err
}

func writeY4M(w io.Writer, p *Picture) error {
	if _, err := io.WriteString(w, "FRAME\n"); err != nil {
		return err
	}
	_, err := w.Write(p.Data)
	return err
}
