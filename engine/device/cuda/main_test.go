//go:build cuda

package cuda_test

import (
	"os"
	"testing"

	"github.com/streamvet/streamvet/engine/device/cuda/double"
)

func TestMain(m *testing.M) {
	if task := os.Getenv(childVariable); task != "" {
		child(task) // on whatever driver its parent has chosen
		return
	}
	os.Exit(double.Main(m))
}
