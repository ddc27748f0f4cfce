package infer

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/streamvet/streamvet/engine/device"
)

// cudaFailure is how ONNX Runtime tells an error of the CUDA runtime: by number or,
// of a kernel that could not be launched, by name.
var cudaFailure = regexp.MustCompile(`CUDA failure (\d+)|CUDA error (\w+):`)

const outOfMemory = "cudaErrorMemoryAllocation"

// named are the errors that mean something here.
var named = map[string]string{
	"2": outOfMemory,
	// After one of these every later call of the process fails too: the GPU fell off
	// the bus, its memory or NVLink has a fault, or a kernel did something forbidden.
	"46": "cudaErrorDevicesUnavailable", "100": "cudaErrorNoDevice", "214": "cudaErrorECCUncorrectable",
	"220": "cudaErrorNvlinkUncorrectable", "700": "cudaErrorIllegalAddress", "702": "cudaErrorLaunchTimeout",
	"709": "cudaErrorContextIsDestroyed", "710": "cudaErrorAssert", "714": "cudaErrorHardwareStackError",
	"715": "cudaErrorIllegalInstruction", "716": "cudaErrorMisalignedAddress", "717": "cudaErrorInvalidAddressSpace",
	"718": "cudaErrorInvalidPc", "719": "cudaErrorLaunchFailure", "911": "cudaErrorContained", "999": "cudaErrorUnknown",
}

// words are those of ONNX Runtime's own allocator where memory has ended.
var words = []string{"Failed to allocate memory for requested buffer", "is smaller than requested bytes"}

// diagnose adds device.ErrMemory or device.ErrLost to an error of ONNX Runtime that
// says so in words.
func diagnose(err error) error {
	if err == nil || errors.Is(err, device.ErrMemory) || errors.Is(err, device.ErrLost) {
		return err
	}
	text := err.Error()
	if m := cudaFailure.FindStringSubmatch(text); m != nil {
		name := m[2]
		if name == "" {
			name = named[m[1]]
		}
		switch {
		case name == outOfMemory:
			return fmt.Errorf("%w: %w", device.ErrMemory, err)
		case slices.Contains(slices.Collect(maps.Values(named)), name):
			return fmt.Errorf("%w: %w", device.ErrLost, err)
		}
	}
	for _, w := range words {
		if strings.Contains(text, w) {
			return fmt.Errorf("%w: %w", device.ErrMemory, err)
		}
	}
	return err
}
