package models

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func TestLoadOne(t *testing.T) {
	dir := t.TempDir()
	black, err := os.ReadFile("black/detector.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"black", "bad"} {
		if err := os.MkdirAll(filepath.Join(dir, "staging", name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	write(t, filepath.Join(dir, "staging", "black", "detector.yaml"), string(black))
	write(t, filepath.Join(dir, "staging", "bad", "detector.yaml"), "name: bad\n")
	if err := os.Symlink("/", filepath.Join(dir, "out")); err != nil {
		t.Fatal(err)
	}
	d, err := LoadOne(dir, "staging/black")
	if err != nil || d.Name != "black" || d.Path != filepath.Join(dir, "staging/black") {
		t.Errorf("%s at %s: %v", d.Name, d.Path, err)
	}
	var refused *RefusedError
	if _, err := LoadOne(dir, "staging/bad"); !errors.As(err, &refused) || len(refused.Folders) != 1 {
		t.Errorf("a bad one: %v", err)
	}
	for _, folder := range []string{"staging/none", "", ".", "..", "../black", "/staging/black", "staging/black/detector.yaml", "out/etc", "staging//black"} {
		if _, err := LoadOne(dir, folder); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%q: %v, want %v", folder, err, fs.ErrNotExist)
		}
	}
}
