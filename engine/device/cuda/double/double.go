// Package double runs tests on a test double of NVIDIA's driver: libcuda.so.1,
// libnvcuvid.so.1 and libnvidia-ml.so.1 made of the C++ beside this file by
// scripts/double.sh. Its GPU interprets the PTX that it is given, its decoder plays
// tapes, its streams run as late as is legal. README.md says more. Only tests may
// import this package.
package double

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
)

const (
	folderVariable = "STREAMVET_DRIVER_DOUBLE"
	realVariable   = "STREAMVET_REAL_GPU"
	pathVariable   = "LD_LIBRARY_PATH"
)

// Main is for TestMain: it runs the tests with the double where the dynamic linker
// looks for the driver, for which it starts the test binary once more. With
// STREAMVET_REAL_GPU=1 it leaves the machine's own driver in place.
func Main(m *testing.M) int {
	if os.Getenv(realVariable) == "1" {
		return m.Run()
	}
	folder := os.Getenv(folderVariable)
	if folder == "" {
		fmt.Fprintf(os.Stderr, "%s is not set: run make setup (or scripts/double.sh), then eval \"$(scripts/env.sh)\", before go test\n", folderVariable)
		return 1
	}
	if path := os.Getenv(pathVariable); path != folder && !strings.HasPrefix(path, folder+":") {
		err := syscall.Exec("/proc/self/exe", os.Args, Environment(folder))
		fmt.Fprintf(os.Stderr, "start the tests on the double in %s: %v\n", folder, err)
		return 1
	}
	if !Active() {
		fmt.Fprintf(os.Stderr, "the double in %s does not load: run scripts/double.sh\n", folder)
		return 1
	}
	return m.Run()
}

// Environment is this process's, with the driver in folder; for programs that tests
// start.
func Environment(folder string) []string {
	var env []string
	path := folder
	for _, e := range os.Environ() {
		if rest, ok := strings.CutPrefix(e, pathVariable+"="); !ok {
			env = append(env, e)
		} else if rest != "" && rest != folder && !strings.HasPrefix(rest, folder+":") {
			path += ":" + rest
		} else if rest != "" {
			path = rest
		}
	}
	return append(env, pathVariable+"="+path)
}

// Folder is where the double's libraries lie.
func Folder() string { return os.Getenv(folderVariable) }

// CUDAOnly is a folder with the double's driver and no decoder library, as in a
// container without the video capability.
func CUDAOnly() string { return Folder() + "/cuda-only" }
