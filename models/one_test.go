package models

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
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
	d, err = LoadOne(dir, "staging/bad")
	if !errors.As(err, &refused) || len(refused.Folders) != 1 || d.Name != "bad" {
		t.Fatalf("a bad one: %v, %+v", err, d)
	}
	faults := refused.Folders[0].Faults()
	if len(faults) < 5 || faults[0].Field != "version" || faults[0].Line != 0 || faults[0].Error() != "detector.yaml: version: it is missing" {
		t.Errorf("faults: %v", faults)
	}
	for _, folder := range []string{"staging/none", "", ".", "..", "../black", "/staging/black", "staging/black/detector.yaml", "out/etc", "staging//black"} {
		if _, err := LoadOne(dir, folder); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%q: %v, want %v", folder, err, fs.ErrNotExist)
		}
	}
}

func TestFolders(t *testing.T) {
	for dir, want := range map[string][]string{
		"black":         {"black"},
		"testdata/good": {"testdata/good/bright", "testdata/good/crackle", "testdata/good/gloom"},
	} {
		if got, err := Folders(dir); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %v, %v", dir, got, err)
		}
	}
	for _, dir := range []string{"nowhere", "one.go", t.TempDir()} {
		if got, err := Folders(dir); err == nil {
			t.Errorf("%s: %v", dir, got)
		}
	}
}
