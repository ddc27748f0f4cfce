package infer

import (
	"errors"
	"unsafe"

	"github.com/streamvet/streamvet/engine/device"
)

// output is one output of a binding: a tensor that the network writes and the way
// from there to the host. The zero value is none; close may be called on it.
type output struct {
	tensor device.Tensor
	back   device.Readback
	row    int       // bytes of one row
	values []float32 // of the run that was waited for, in the readback's memory
}

// open makes the tensor of the shape, f32, and its readback.
func (o *output) open(at Place, shape device.Shape) (err error) {
	if o.tensor, err = at.Device.NewTensor(shape, device.F32); err != nil {
		return err
	}
	bytes := shape.Elements() * device.F32.Bytes()
	o.row = bytes / shape.N
	o.back, err = at.Device.NewReadback(bytes, device.ForOutputs)
	return err
}

// address is where the network writes; nil before open.
func (o *output) address() unsafe.Pointer {
	if o.tensor == nil {
		return nil
	}
	return o.tensor.Ptr()
}

// fetch queues the copy of the first n rows to the host.
func (o *output) fetch(q device.Stream, n int) error {
	return o.back.Copy(q, o.tensor, 0, n*o.row)
}

// wait waits for the rows, settles them in place and counts the bad ones.
func (o *output) wait() (bad int, err error) {
	o.values = nil
	b, err := o.back.Wait()
	if err != nil {
		return 0, err
	}
	o.values = unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/device.F32.Bytes())
	return settle(o.values), nil
}

func (o *output) close() error {
	var errs []error
	if o.back != nil {
		errs = append(errs, o.back.Close())
	}
	if o.tensor != nil {
		errs = append(errs, o.tensor.Close())
	}
	*o = output{}
	return errors.Join(errs...)
}

// settle makes every value one in 0..1 and counts those that were not: what is
// no finite number becomes 0 (it says nothing), the rest the nearer end.
func settle(values []float32) (bad int) {
	for i, v := range values {
		if v >= 0 && v <= 1 {
			continue
		}
		bad++
		values[i] = 0
		if v > 1 && v-v == 0 {
			values[i] = 1
		}
	}
	return bad
}
