//go:build cuda

package cuda

// #cgo CFLAGS: -Wno-deprecated-declarations
// #include "driver/driver.h"
import "C"

import (
	"fmt"

	"gorgonia.org/cu"

	"github.com/streamvet/streamvet/engine/device"
)

// Open opens a GPU.
func Open(Options) (device.Device, error) {
	if status := C.svc_driver_open(); status != 0 {
		return nil, fmt.Errorf("device: no driver of a GPU (%d): %s", status, C.GoString(C.svc_driver_why()))
	}
	_, err := cu.NumDevices()
	return nil, fmt.Errorf("device: %w", err)
}

// List tells which GPUs there are.
func List() ([]Info, error) { return nil, nil }
