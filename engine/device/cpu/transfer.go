package cpu

import (
	"errors"
	"fmt"
	"unsafe"

	"github.com/streamvet/streamvet/engine/device"
	"github.com/streamvet/streamvet/engine/frame"
)

// uploader hands pictures through: the host's memory is the device's.
type uploader struct{}

func (d *cpuDevice) NewUploader(device.Stream) (device.Uploader, error) {
	if d.closed.Load() {
		return nil, device.ErrClosed
	}
	return uploader{}, nil
}

func (uploader) Upload(f *frame.Video) (*frame.Video, error) {
	if f == nil || f.Mem != frame.MemHost {
		return nil, errors.New("device: upload: no picture in host memory")
	}
	return f.Retain(), nil
}

func (uploader) Close() error { return nil }

// readback shows the tensor's own bytes.
type readback struct {
	bytes  int
	result []byte // of the copy that Wait was not called for
	closed bool
}

func (d *cpuDevice) NewReadback(bytes int, _ device.Purpose) (device.Readback, error) {
	if d.closed.Load() {
		return nil, device.ErrClosed
	}
	if bytes < 1 || bytes > device.BytesMax {
		return nil, fmt.Errorf("device: readback of %d bytes: 1 to 2^40 are possible", bytes)
	}
	return &readback{bytes: bytes}, nil
}

func (r *readback) Copy(_ device.Stream, src device.Tensor, offset, n int) error {
	t, ok := src.(*tensor)
	switch {
	case r.closed || ok && t.memory == nil:
		return device.ErrClosed
	case !ok:
		return errors.New("device: readback: the tensor is of another device")
	case r.result != nil:
		return errors.New("device: readback: the copy before was not waited for")
	case n < 1 || n > r.bytes || offset < 0 || offset > t.shape.Elements()*t.dtype.Bytes()-n:
		return fmt.Errorf("device: readback of %d bytes at %d: there is room for %d, and the tensor has %d", n, offset, r.bytes, t.shape.Elements()*t.dtype.Bytes())
	}
	r.result = unsafe.Slice((*byte)(unsafe.Add(t.memory, offset)), n)
	return nil
}

func (r *readback) Wait() ([]byte, error) {
	if r.closed {
		return nil, device.ErrClosed
	}
	if r.result == nil {
		return nil, errors.New("device: readback: nothing was copied")
	}
	b := r.result
	r.result = nil
	return b, nil
}

func (r *readback) Close() error {
	r.closed, r.result = true, nil
	return nil
}
