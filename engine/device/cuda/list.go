//go:build cuda

package cuda

import (
	"fmt"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
	"gorgonia.org/cu"
)

// List tells which GPUs the driver serves. It fails where Open fails for all of
// them: without a driver, and without a GPU.
func List() ([]Info, error) {
	n, err := start()
	if err != nil {
		return nil, err
	}
	driver := driverVersion()
	var all []Info
	for i := range n {
		info, err := infoOf(i)
		if err != nil {
			return nil, fmt.Errorf("device: cuda %d: the NVIDIA driver says %w", i, err)
		}
		info.Driver = driver
		all = append(all, info)
	}
	return all, nil
}

func infoOf(ordinal int) (info Info, err error) {
	info.Ordinal = ordinal
	d, err := cu.GetDevice(ordinal)
	if err != nil {
		return info, err
	}
	if info.Name, err = d.Name(); err != nil {
		return info, err
	}
	if info.Memory, err = d.TotalMem(); err != nil {
		return info, err
	}
	info.Major, info.Minor, err = d.ComputeCapability()
	return info, err
}

// driverVersion is the driver's own version where NVML tells it, else that of its CUDA.
func driverVersion() string {
	if nvml.Init() == nvml.SUCCESS {
		defer nvml.Shutdown()
		if version, result := nvml.SystemGetDriverVersion(); result == nvml.SUCCESS {
			return version
		}
	}
	return "CUDA " + cudaVersion()
}
