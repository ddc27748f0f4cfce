package registry

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
	"google.golang.org/protobuf/encoding/protojson"

	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

// format is the version of how a store lies on disk.
const format = 1

// store is a directory, locked:
//
//	version          {"format":1}
//	lock             held by the process that has the store open
//	epochs           the last epoch of every source, also of some that are gone
//	open             verdicts that are raised and not cleared
//	sources/NAME.json
//
// All of it is readable for its user alone: configurations hold secrets.
type store struct {
	dir    string
	lock   *os.File
	epochs *epochs
	open   *openVerdicts
	kept   []*record // read by open
}

func openStore(dir string, log *slog.Logger) (_ *store, err error) {
	s := &store{dir: dir}
	if err := os.MkdirAll(s.path("sources"), 0o700); err != nil {
		return nil, err
	}
	if s.lock, err = takeLock(s.path("lock")); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	if err := s.checkVersion(); err != nil {
		return nil, err
	}
	if err := s.read(); err != nil {
		return nil, err
	}
	names := make([]string, len(s.kept))
	for i, r := range s.kept {
		names[i] = r.name()
	}
	if s.epochs, err = openEpochs(s.path("epochs"), names, log); err != nil {
		return nil, err
	}
	s.open, err = openOpenVerdicts(s.path("open"), log)
	return s, err
}

func (s *store) path(name ...string) string {
	return filepath.Join(append([]string{s.dir}, name...)...)
}

func takeLock(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, ErrLocked
		}
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return f, nil
}

type version struct {
	Format int `json:"format"`
}

func (s *store) checkVersion() error {
	text, err := os.ReadFile(s.path("version"))
	if errors.Is(err, os.ErrNotExist) {
		text, _ = json.Marshal(version{format})
		return writeFile(s.path("version"), text)
	}
	if err != nil {
		return err
	}
	var v version
	if err := json.Unmarshal(text, &v); err != nil || v.Format < 1 {
		return fmt.Errorf("%s does not say a version: restore it, or begin with an empty directory", s.path("version"))
	}
	if v.Format > format {
		return fmt.Errorf("%w: %s has format %d, this version reads up to %d", ErrNewer, s.dir, v.Format, format)
	}
	return nil
}

// kept is a record as it lies in its file.
type kept struct {
	Config   json.RawMessage `json:"config"`
	Created  time.Time       `json:"created"`
	Updated  time.Time       `json:"updated"`
	Revision uint64          `json:"revision"`
	FromFile bool            `json:"from_file,omitempty"`
}

const suffix = ".json"

func (s *store) read() error {
	files, err := os.ReadDir(s.path("sources"))
	if err != nil {
		return err
	}
	for _, f := range files {
		path := s.path("sources", f.Name())
		name, ok := strings.CutSuffix(f.Name(), suffix)
		if !ok {
			os.Remove(path) // a draft that was cut off
			continue
		}
		r, err := readRecord(path)
		if err == nil && r.name() != name {
			err = fmt.Errorf("it is of the source %.63q", r.name())
		}
		if err != nil {
			return fmt.Errorf("read %s: %w; mend it, or take it away", path, err)
		}
		s.kept = append(s.kept, r)
	}
	return nil
}

func readRecord(path string) (*record, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var k kept
	if err := json.Unmarshal(text, &k); err != nil {
		return nil, err
	}
	r := &record{Config: &streamvetv1.SourceConfig{}, Created: k.Created, Updated: k.Updated, Revision: k.Revision, FromFile: k.FromFile}
	return r, protojson.Unmarshal(k.Config, r.Config)
}

// records gives the records that there were when the store was opened.
func (s *store) records() []*record { return slices.Clone(s.kept) }

// save keeps a record: when it returns, it outlives a crash.
func (s *store) save(r *record) error {
	config, err := protojson.Marshal(r.Config)
	if err != nil {
		return err
	}
	text, err := json.MarshalIndent(kept{config, r.Created, r.Updated, r.Revision, r.FromFile}, "", "  ")
	if err != nil {
		return err
	}
	return writeFile(s.path("sources", r.name()+suffix), text)
}

// remove forgets a record, but not its last epoch: the same name may come again.
func (s *store) remove(name string) error {
	if err := os.Remove(s.path("sources", name+suffix)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return syncDir(s.path("sources"))
}

func (s *store) close() error {
	var err error
	if s.open != nil {
		err = s.open.close()
	}
	if s.epochs != nil {
		err = errors.Join(err, s.epochs.close())
	}
	return errors.Join(err, unix.Flock(int(s.lock.Fd()), unix.LOCK_UN), s.lock.Close())
}

// writeFile puts a file in place whole, synced with its directory.
func writeFile(path string, data []byte) error {
	draft := path + ".new"
	f, err := os.OpenFile(draft, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(draft, path)
	}
	if err != nil {
		os.Remove(draft)
		return err
	}
	return syncDir(filepath.Dir(path))
}

func syncDir(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
