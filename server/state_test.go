package server

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestStateDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	s, err := openState(dir)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("it is made as %v, %v", info.Mode(), err)
	}
	if _, err := openState(dir); err == nil || !strings.Contains(err.Error(), "is in use by process ") {
		t.Errorf("a second one: %v", err)
	}
	if err := s.close(); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ version, want string }{
		"this":    {`{"format":1}`, ""},
		"more":    {`{"format":1,"other":true}`, ""},
		"newer":   {`{"format":2}`, "has format 2, this version reads up to 1: start the newer version"},
		"none":    {`{}`, "does not say a version"},
		"garbage": {"\x00", "does not say a version"},
	} {
		write(t, filepath.Join(dir, "version"), c.version)
		s, err := openState(dir)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
		if err == nil {
			s.close()
		}
	}
}

func TestStateDirectoriesThatAreNone(t *testing.T) {
	open := filepath.Join(t.TempDir(), "open")
	if err := os.Mkdir(open, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(open, 0o777); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "file")
	write(t, file, "")
	for path, want := range map[string]string{
		open:                     "can be written to by everybody: chmod 700 it",
		file:                     "make the state directory",
		filepath.Join(file, "x"): "name another one with --state-dir",
		"/proc/streamvet":        "name another one with --state-dir",
	} {
		if s, err := openState(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
			if err == nil {
				s.close()
			}
		}
	}
}
