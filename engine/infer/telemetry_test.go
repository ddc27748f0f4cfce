package infer

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// ONNX Runtime's own builds report their use to Microsoft unless they are told not to
// before they start. The first thing that they do for it is to ask what identifies the
// machine: of blkid, among others.
func TestNothingIsReported(t *testing.T) {
	dir := t.TempDir()
	asked := filepath.Join(dir, "asked")
	script := fmt.Sprintf("#!/bin/sh\ntouch '%s'\n", asked)
	if err := os.WriteFile(filepath.Join(dir, "blkid"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	inChild(t, "TestOpensAlone", os.Getenv("STREAMVET_ORT_LIB"), os.Getenv("LD_LIBRARY_PATH"), "PATH="+dir+":"+os.Getenv("PATH"), "HOME="+dir, noTelemetry+"=")
	if _, err := os.Stat(asked); err == nil {
		t.Error("ONNX Runtime asked what identifies this machine")
	}
	if kept, _ := filepath.Glob(filepath.Join(dir, ".*")); len(kept) > 0 {
		t.Errorf("it left %v in the home folder", kept)
	}
}

func TestOpensAlone(t *testing.T) {
	if os.Getenv("INFER_TEST_CHILD") != t.Name() {
		t.Skip("run by TestNothingIsReported")
	}
	if err := open(t, Options{}).Close(); err != nil {
		t.Fatal(err)
	}
}
