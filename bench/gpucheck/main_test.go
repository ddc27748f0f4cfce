package gpucheck

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"github.com/streamvet/streamvet/engine/device/cuda/double"
)

// spoilVariable makes a step crash or hang: "decode=crash".
const spoilVariable = "GPUCHECK_SPOIL"

// TestMain is the check's main too: its steps are processes of the test binary.
func TestMain(m *testing.M) {
	if os.Getenv(StateVariable) == "" {
		if code := double.Main(m); code != 0 {
			os.Exit(code)
		}
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	spoil()
	if err := RunStep(context.Background(), driver); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// driver asks the double what it saw.
func driver() (toDevice, toHost, bitstream uint64) {
	c := double.Counters()
	return c.ToDevice.Bytes, c.ToHost.Bytes, c.Decoder.Bytes
}

func spoil() {
	var s state
	text, err := os.ReadFile(os.Getenv(StateVariable))
	if err != nil || json.Unmarshal(text, &s) != nil {
		return
	}
	switch os.Getenv(spoilVariable) {
	case s.Step + "=crash":
		fmt.Fprintln(os.Stderr, "this step crashes")
		_ = syscall.Kill(os.Getpid(), syscall.SIGSEGV)
		select {}
	case s.Step + "=hang":
		select {}
	}
}
