package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// stateFormat is the version of what lies in a state directory. What is within
// journal/ and sources/ has versions of its own.
const stateFormat = 1

// stateDir is where a server keeps what outlives it, locked:
//
//	version   {"format":1}
//	lock      held by the process; its process id
//	journal/  verdicts
//	sources/  sources and their last epochs
//	tensorrt/ engines that TensorRT has built
type stateDir struct {
	dir  string
	lock *os.File
}

func openState(dir string) (_ *stateDir, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the state directory: %w: name another one with --state-dir", err)
	}
	info, err := os.Stat(dir)
	if err != nil {
		return nil, fmt.Errorf("open the state directory: %w", err)
	}
	if info.Mode().Perm()&0o002 != 0 {
		return nil, fmt.Errorf("the state directory %s can be written to by everybody: chmod 700 it", dir)
	}
	s := &stateDir{dir: dir}
	if s.lock, err = lockState(s.path("lock")); err != nil {
		return nil, err
	}
	if err := s.checkVersion(); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

func (s *stateDir) path(name string) string { return filepath.Join(s.dir, name) }

// lockState holds the lock until the file is closed, be it by the end of the process.
func lockState(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the state directory: %w: name another one with --state-dir", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		holder, _ := os.ReadFile(path)
		f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("the state directory %s is in use by process %s: stop it, or name another one with --state-dir",
				filepath.Dir(path), strings.TrimSpace(string(holder)))
		}
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	// Who holds it is a courtesy: a full disk must not stand in the way.
	if f.Truncate(0) == nil {
		fmt.Fprintln(f, os.Getpid())
	}
	return f, nil
}

// checkVersion refuses what a newer version wrote, and marks a new directory.
func (s *stateDir) checkVersion() error {
	var v struct {
		Format int `json:"format"`
	}
	text, err := os.ReadFile(s.path("version"))
	switch {
	case errors.Is(err, os.ErrNotExist):
		return s.writeVersion()
	case err != nil:
		return fmt.Errorf("read the version of the state directory: %w", err)
	case json.Unmarshal(text, &v) != nil || v.Format < 1:
		return fmt.Errorf("%s does not say a version: is %s a state directory?", s.path("version"), s.dir)
	case v.Format > stateFormat:
		return fmt.Errorf("the state directory %s has format %d, this version reads up to %d: start the newer version, or name another one with --state-dir",
			s.dir, v.Format, stateFormat)
	}
	return nil
}

// writeVersion puts the file in place whole.
func (s *stateDir) writeVersion() error {
	draft := s.path("version.new")
	f, err := os.OpenFile(draft, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err == nil {
		_, err = fmt.Fprintf(f, "{\"format\":%d}\n", stateFormat)
		err = errors.Join(err, f.Sync(), f.Close())
	}
	if err == nil {
		err = os.Rename(draft, s.path("version"))
	}
	if err != nil {
		return fmt.Errorf("begin the state directory: %w", err)
	}
	return nil
}

// close gives the lock up by name: a child process that is just being started has
// the file, too, for a moment.
func (s *stateDir) close() error {
	return errors.Join(unix.Flock(int(s.lock.Fd()), unix.LOCK_UN), s.lock.Close())
}
