package journal

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// format is the version of what lies in a journal's directory and of how records
// lie in the stream.
const format = 1

// directory is a journal's place on disk, locked:
//
//	version    {"format":1,"begun":true}
//	lock       held by the process that has the journal open; its process id
//	note       the newest record's sequence, a second old at most
//	jetstream/ the server's own
type directory struct {
	path string
	lock *os.File
	version
}

func openDirectory(path string) (d *directory, err error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("journal: make its directory: %w", classify(err))
	}
	d = &directory{path: path}
	if d.lock, err = takeLock(d.file("lock")); err != nil {
		return nil, err
	}
	if err := d.checkVersion(); err != nil {
		d.close()
		return nil, err
	}
	return d, nil
}

func (d *directory) file(name string) string { return filepath.Join(d.path, name) }

// takeLock holds the lock until the file is closed, be it by the end of the process.
func takeLock(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("journal: open its lock: %w", classify(err))
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		holder, _ := os.ReadFile(path)
		f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("journal: %w (process %s): stop it, or give this one a directory of its own", ErrLocked, strings.TrimSpace(string(holder)))
		}
		return nil, fmt.Errorf("journal: lock %s: %w", path, err)
	}
	// Who holds it is a courtesy: a full disk must not stand in the way.
	if f.Truncate(0) == nil {
		fmt.Fprintln(f, os.Getpid())
	}
	return f, nil
}

type version struct {
	Format int `json:"format"`
	// Begun says that the streams were made. Before, nothing was acknowledged.
	Begun bool `json:"begun,omitempty"`
}

// checkVersion refuses what a newer version wrote, marks a new directory, and
// clears away what is left of a beginning that was cut off.
func (d *directory) checkVersion() error {
	text, err := os.ReadFile(d.file("version"))
	if errors.Is(err, os.ErrNotExist) {
		if _, err := os.Stat(d.file("jetstream")); err == nil {
			return fmt.Errorf("journal: %s has records but no version file: it is not a journal, or not all of it was copied", d.path)
		}
		if err := d.writeVersion(version{Format: format}); err != nil {
			return fmt.Errorf("journal: begin in %s: %w", d.path, classify(err))
		}
		return nil
	}
	if err != nil {
		return fmt.Errorf("journal: read its version: %w", classify(err))
	}
	if err := json.Unmarshal(text, &d.version); err != nil || d.Format < 1 {
		return fmt.Errorf("journal: %w: %s does not say a version", ErrDamaged, d.file("version"))
	}
	if err := checkFormat(d.Format, d.path); err != nil || d.Begun {
		return err
	}
	if err := os.RemoveAll(d.file("jetstream")); err != nil {
		return fmt.Errorf("journal: begin in %s: %w", d.path, classify(err))
	}
	return nil
}

// begun notes that the streams were made.
func (d *directory) begun() error {
	if d.Begun {
		return nil
	}
	if err := d.writeVersion(version{Format: format, Begun: true}); err != nil {
		return fmt.Errorf("journal: begin in %s: %w", d.path, classify(err))
	}
	return nil
}

func (d *directory) writeVersion(v version) error {
	text, err := json.Marshal(v)
	if err == nil {
		err = d.write("version", text)
	}
	if err == nil {
		d.version = v
	}
	return err
}

func checkFormat(got int, where string) error {
	if got > format {
		return fmt.Errorf("journal: %w: %s has format %d, this version reads up to %d: start the newer version, or give this one another place", ErrNewer, where, got, format)
	}
	return nil
}

// write puts a file in place whole, synced with its directory.
func (d *directory) write(name string, data []byte) error {
	draft := d.file(name + ".new")
	f, err := os.OpenFile(draft, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(draft, d.file(name))
	}
	if err != nil {
		os.Remove(draft)
		return err
	}
	return syncPath(d.path)
}

// note is what is written down about the records, to find damage by. It is not
// synced: after a power failure it may be too low or missing, and less is found.
type note struct {
	Newest uint64 `json:"newest"` // sequence
	Closed bool   `json:"closed"` // the journal was; otherwise its process ended
}

// note gives the last one that was written, or none.
func (d *directory) note() (n note) {
	if text, err := os.ReadFile(d.file("note")); err != nil || json.Unmarshal(text, &n) != nil {
		return note{}
	}
	return n
}

func (d *directory) writeNote(n note) error {
	text, err := json.Marshal(n)
	if err != nil {
		return err
	}
	draft := d.file("note.new")
	if err := os.WriteFile(draft, text, 0o600); err != nil {
		return err
	}
	return os.Rename(draft, d.file("note"))
}

// close gives the lock up by name: a child process that is just being started
// has the file, too, for a moment.
func (d *directory) close() error {
	return errors.Join(unix.Flock(int(d.lock.Fd()), unix.LOCK_UN), d.lock.Close())
}
