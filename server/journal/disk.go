package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// room says, with ErrFull, if less than minFree bytes are free where dir is.
func room(dir string, minFree int64) error {
	if minFree < 0 {
		return nil
	}
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return classify(fmt.Errorf("look for room in %s: %w", dir, err))
	}
	if free := int64(s.Bavail) * s.Bsize; free < minFree {
		return fmt.Errorf("%w: %d MiB free at %s, %d MiB must stay", ErrFull, free>>20, dir, minFree>>20)
	}
	return nil
}

// probeBytes is what probe writes: a little more than a record and a picture.
const probeBytes = 512 << 10

// probe tries whether dir can be written to. Its file ends behind the longest
// one in there: a limit on the size of files shows, too.
func probe(dir string) error {
	path := filepath.Join(dir, "probe")
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return classify(err)
	}
	defer os.Remove(path)
	_, err = f.WriteAt(make([]byte, probeBytes), longestFile(dir))
	return classify(errors.Join(err, f.Sync(), f.Close()))
}

// syncFiles syncs every file in dir. A process that was killed may have left some
// that only memory has whole.
func syncFiles(dir string) error {
	return filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() && !e.IsDir() {
			return err
		}
		return syncPath(path)
	})
}

func syncPath(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

func longestFile(dir string) (longest int64) {
	filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return nil
		}
		if info, err := e.Info(); err == nil {
			longest = max(longest, info.Size())
		}
		return nil
	})
	return longest
}
