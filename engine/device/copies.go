package device

import "github.com/streamvet/streamvet/engine/frame"

// Uploader brings pictures that were decoded in host memory to the device, for
// sources that the GPU's decoder refuses. One goroutine.
type Uploader interface {
	// Upload gives f as the device reads it, with a reference for the caller. On a
	// GPU that is a copy with all that f says of itself, queued from pinned memory;
	// f may be released when Upload returns. On the CPU it is f, retained.
	Upload(f *frame.Video) (*frame.Video, error)
	Close() error
}

// Readback brings results to the host, one at a time. One goroutine.
type Readback interface {
	// Copy queues the copy of n bytes of src, from byte offset on, after the work
	// queued so far on s. It refuses what is larger than the Readback, and a second
	// copy before Wait.
	Copy(s Stream, src Tensor, offset, n int) error
	// Wait waits for the copy and gives its bytes, which are good until the next
	// Copy or Close. On the CPU they are those of the tensor.
	Wait() ([]byte, error)
	Close() error
}

// Purpose says what for bytes cross the bus between host and device.
type Purpose uint8

const (
	ForPlans    Purpose = iota // conversions and geometries, once for each
	ForPictures                // pictures that were decoded in software
	ForMeasures                // of every picture
	ForOutputs                 // of networks
	ForEvidence                // pictures of what verdicts are about
	purposes
)

func (p Purpose) String() string {
	return [...]string{"plans", "pictures", "measures", "outputs", "evidence"}[p]
}

// Purposes lists all of them.
func Purposes() []Purpose {
	return []Purpose{ForPlans, ForPictures, ForMeasures, ForOutputs, ForEvidence}
}

// Traffic is how much went one way.
type Traffic struct{ Calls, Bytes uint64 }

// Copies is what crossed the bus, by purpose. The compressed bitstream, which the
// decoder's own library brings over, is not in it.
type Copies struct {
	ToDevice, ToHost [purposes]Traffic
}
