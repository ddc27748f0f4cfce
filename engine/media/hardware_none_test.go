//go:build !cuda

package media

import (
	"strings"
	"testing"
)

// A build without CUDA says how to come by one that has it.
func TestNotBuilt(t *testing.T) {
	s, err := Open(t.Context(), "testdata/h264.mp4", Options{CUDA: CUDA{Context: 1}})
	if err == nil {
		s.Close()
		t.Fatal("opened")
	}
	_, capsErr := NVDECCaps(CUDA{Context: 1}, "h264", Chroma420, 8)
	for _, err := range []error{err, capsErr} {
		if err == nil || !strings.Contains(err.Error(), "build with the tag cuda") {
			t.Errorf("%v", err)
		}
	}
}
