package registry

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// epochs keeps the last epoch of every source in a log: one line for each
// connection, written and synced before it is made, so that no epoch is used
// twice, whatever happens. Those of sources that are gone are kept, too, up to a
// number: a name that comes again goes on counting.
type epochs struct {
	path string
	log  *slog.Logger

	mu    sync.Mutex
	file  *os.File
	size  int64
	last  map[string]int
	order []string // names that are gone from use may be forgotten, the oldest first
	inUse map[string]bool

	next *group // lines that wait for the write under way
	busy bool
}

// endedMark follows the name of a source that has ended: a file that was vetted to
// its end in that epoch is not vetted again when the server starts again.
const endedMark = "."

// ended says that a source has ended in its last epoch.
func (e *epochs) ended(name string) error { return e.use(name+endedMark, e.of(name)) }

// hasEnded tells whether that was said, and no epoch has begun since.
func (e *epochs) hasEnded(name string) bool {
	last := e.of(name)
	return last > 0 && e.of(name+endedMark) == last
}

// group is lines that are written and synced at once.
type group struct {
	lines bytes.Buffer
	done  chan struct{}
	err   error
}

const (
	epochsKept  = 10000   // of sources that are gone
	epochsBytes = 1 << 20 // from which on the log is written anew
)

func openEpochs(path string, names []string, log *slog.Logger) (*epochs, error) {
	e := &epochs{path: path, log: log, last: map[string]int{}, inUse: map[string]bool{}}
	for _, n := range names {
		e.inUse[n], e.inUse[n+endedMark] = true, true
	}
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	for line := range strings.Lines(string(text)) {
		name, epoch, ok := parseLine(line)
		if !ok && line != "\n" {
			// The end of it was being written when the process or the machine ended:
			// nobody has used that epoch.
			log.Warn("a line of the epochs is damaged and left out", "file", path)
			continue
		}
		if ok {
			e.note(name, epoch)
		}
	}
	if err := e.rewrite(); err != nil {
		// A full disk must not keep a server from starting.
		log.Warn("the epochs cannot be written anew: going on with what is there", "file", path, "error", err)
		if e.file, err = os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600); err != nil {
			return nil, err
		}
		e.size = epochsBytes + 1
	}
	return e, nil
}

func line(name string, epoch int) string {
	text := fmt.Sprintf("%s %d", name, epoch)
	return fmt.Sprintf("%s %08x\n", text, crc32.ChecksumIEEE([]byte(text)))
}

func parseLine(l string) (name string, epoch int, ok bool) {
	if n, err := fmt.Sscanf(l, "%64s %d", &name, &epoch); n != 2 || err != nil {
		return "", 0, false
	}
	return name, epoch, l == line(name, epoch)
}

func (e *epochs) note(name string, epoch int) {
	if _, known := e.last[name]; !known {
		e.order = append(e.order, name)
	}
	e.last[name] = max(e.last[name], epoch)
}

// of is the last epoch of a source, 0 before the first.
func (e *epochs) of(name string) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.inUse[name] = true
	return e.last[name]
}

// free says that a source is gone.
func (e *epochs) free(name string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.inUse, name)
	delete(e.inUse, name+endedMark)
	delete(e.last, name+endedMark)
	e.order = slices.DeleteFunc(e.order, func(n string) bool { return n == name || n == name+endedMark })
	if _, known := e.last[name]; known { // the last ones to go are the last to be forgotten
		e.order = append(e.order, name)
	}
}

// use writes down that an epoch is used. Sources that connect at the same time
// share a sync.
func (e *epochs) use(name string, epoch int) error {
	e.mu.Lock()
	if e.next == nil {
		e.next = &group{done: make(chan struct{})}
	}
	g := e.next
	g.lines.WriteString(line(name, epoch))
	e.note(name, epoch)
	if e.busy {
		e.mu.Unlock()
		<-g.done
		return g.err
	}
	e.busy = true
	for e.next != nil { // also for those who come meanwhile
		now := e.next
		e.next = nil
		now.err = e.write(now.lines.Bytes())
		close(now.done)
	}
	e.busy = false
	e.mu.Unlock()
	return g.err
}

// write appends lines; mu is held but for the sync.
func (e *epochs) write(lines []byte) error {
	if e.file == nil {
		return os.ErrClosed
	}
	if e.size > epochsBytes {
		if err := e.rewrite(); err != nil {
			return fmt.Errorf("keep the epochs: %w", err)
		}
	}
	f := e.file
	e.mu.Unlock()
	_, err := f.Write(lines)
	if err == nil {
		err = f.Sync()
	}
	e.mu.Lock()
	e.size += int64(len(lines))
	if err != nil {
		e.size = epochsBytes + 1 // what lies there now is not known
		return fmt.Errorf("keep the epochs: %w", err)
	}
	return nil
}

// rewrite puts a log in place that has one line for each source.
func (e *epochs) rewrite() error {
	gone := 0
	for _, n := range e.order {
		if !e.inUse[n] {
			gone++
		}
	}
	e.order = slices.DeleteFunc(e.order, func(n string) bool {
		if e.inUse[n] || gone <= epochsKept {
			return false
		}
		gone--
		delete(e.last, n)
		return true
	})
	var text bytes.Buffer
	for _, n := range e.order {
		text.WriteString(line(n, e.last[n]))
	}
	if err := writeFile(e.path, text.Bytes()); err != nil {
		return err
	}
	f, err := os.OpenFile(e.path, os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	if e.file != nil {
		e.file.Close()
	}
	e.file, e.size = f, int64(text.Len())
	return syncDir(filepath.Dir(e.path))
}

func (e *epochs) close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.file == nil {
		return nil
	}
	err := e.file.Close()
	e.file = nil
	return err
}
