//go:build cuda

package cuda

// #cgo LDFLAGS: -ldl -lpthread
// #include <stdlib.h>
// #include "driver/driver.h"
import "C"

import (
	"errors"
	"fmt"
	"strings"
	"unsafe"

	"gorgonia.org/cu"
)

// start loads the driver and tells how many GPUs it serves: at least one.
func start() (int, error) {
	switch status := int(C.svc_driver_open()); {
	case status < 0:
		return 0, fmt.Errorf("device: there is no NVIDIA driver here (%s). Remedy: install NVIDIA's driver, or start the container "+
			"with the NVIDIA runtime (docker run --gpus all); --device cpu needs none", C.GoString(C.svc_driver_why()))
	case status > 0:
		return 0, refusal(resultOf(cu.Success, status))
	}
	n, err := cu.NumDevices()
	if err == nil && n == 0 {
		err = cu.NoDevice
	}
	if err != nil {
		return 0, refusal(err)
	}
	return n, nil
}

// resultOf is the driver's result of that number. Its type, that of success, is private to cu.
func resultOf[R interface {
	~int
	error
}](_ R, code int) error {
	return R(code)
}

// refusal says what it means that the driver did not start.
func refusal(err error) error {
	switch err {
	case cu.NoDevice:
		return errors.New("device: the NVIDIA driver finds no GPU. Remedy: see whether nvidia-smi lists one, whether the container " +
			"was given it (--gpus all) and whether CUDA_VISIBLE_DEVICES hides it; --device cpu needs none")
	case cu.SystemDriverMismatch:
		return fmt.Errorf("device: the NVIDIA driver's library and its kernel module are of different versions (%w). "+
			"Remedy: restart the machine, as after every update of the driver", err)
	}
	return fmt.Errorf("device: the NVIDIA driver does not start: %w. Remedy: see what nvidia-smi says; --device cpu needs no driver", err)
}

// cudaVersion is the version of CUDA that the driver speaks: "12.4".
func cudaVersion() string {
	v := cu.Version()
	return fmt.Sprintf("%d.%d", v/1000, v%1000/10)
}

// exports tells whether the loaded driver exports a symbol of that name.
func exports(symbol string) bool {
	name := C.CString(symbol)
	defer C.free(unsafe.Pointer(name))
	return C.svc_driver_symbol(name) != nil
}

// ordinals lists the GPUs that there are: "cuda 0 (NVIDIA L4), cuda 1 (NVIDIA L4)".
func ordinals(n int) string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf("cuda %d (%s)", i, nameOf(i)))
	}
	return strings.Join(all, ", ")
}

func nameOf(ordinal int) string {
	d, err := cu.GetDevice(ordinal)
	if err != nil {
		return err.Error()
	}
	name, err := d.Name()
	if err != nil {
		return err.Error()
	}
	return name
}
