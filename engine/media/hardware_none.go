//go:build !cuda

package media

import (
	"errors"

	astiav "github.com/asticode/go-astiav"
)

var errNotBuilt = errors.New("this build does not decode on a GPU; build with the tag cuda (make does, where scripts/cuda.sh finds cuda.h), or choose --device cpu")

func (c CUDA) built() error {
	if c.wanted() {
		return errNotBuilt
	}
	return nil
}

// hardware is never made in this build.
type hardware struct{}

func newHardware(CUDA) (*hardware, error)                { return nil, errNotBuilt }
func (*hardware) free()                                  {}
func (*hardware) refusal(*astiav.CodecParameters) string { return "" }
func (*hardware) attach(codec) error                     { return errNotBuilt }
func (*hardware) take(*astiav.CodecContext) hardwareSaid { return hardwareSaid{} }
func (*hardware) lost() error                            { return nil }

// NVDECCaps asks the GPU what it decodes; this build cannot.
func NVDECCaps(CUDA, string, Chroma, int) (DecoderCaps, error) {
	return DecoderCaps{}, errNotBuilt
}
