package journal

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

// A process may write files of so many bytes only. Any system can do that to any
// process, and to the journal it is a full disk.
func TestFullByLimit(t *testing.T) {
	if here, _ := inChild(t, nil); !here {
		return
	}
	testFull(t, t.TempDir(), func(full bool) {
		limit := syscall.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY}
		if full {
			limit.Cur = 100 << 10
		}
		if err := syscall.Setrlimit(unix.RLIMIT_FSIZE, &limit); err != nil {
			t.Fatal(err)
		}
	})
}

// A real disk that is really full, where the system lets a test mount one.
func TestFullByDisk(t *testing.T) {
	here, started := inChild(t, ownMounts())
	if !started {
		t.Log("this system lets no test mount a disk: TestFullByLimit stands for it")
	}
	if !here {
		return
	}
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=4m"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Unmount(dir, 0) }) // when the journal is closed: it comes later
	ballast := filepath.Join(dir, "ballast")
	testFull(t, filepath.Join(dir, "journal"), func(full bool) {
		if !full {
			if err := os.Remove(ballast); err != nil {
				t.Fatal(err)
			}
			return
		}
		var s unix.Statfs_t
		if err := unix.Statfs(dir, &s); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(ballast, make([]byte, int64(s.Bavail)*s.Bsize-100<<10), 0o600); err != nil {
			t.Fatal(err)
		}
	})
}

// ownMounts is for a process with mounts of its own.
func ownMounts() *syscall.SysProcAttr {
	if os.Getuid() == 0 {
		return &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS, Unshareflags: syscall.CLONE_NEWNS}
	}
	return &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWNS | syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
}

// testFull fills a journal's disk and empties it again, some times over, with
// appends one by one and many at once.
func testFull(t *testing.T, dir string, set func(full bool)) {
	j := begin(t, testOptions(dir))
	f := follow(t, j, FromStart(), Filter{})
	acked := map[string]uint64{}
	n := 0
	for round := range 4 {
		atOnce := []int{1, 40}[round%2]
		if failed := attempt(t, j, acked, n+1, 20); len(failed) > 0 {
			t.Fatalf("%d appends failed with room", len(failed))
		}
		n += 20
		set(true)
		var failed []int
		for ; len(failed) == 0; n += atOnce {
			failed = attempt(t, j, acked, n+1, atOnce)
		}
		if state := j.State(); state.Status != Full || state.Reason == "" {
			t.Fatalf("the state is %v (%s)", state.Status, state.Reason)
		}
		expectAcked(t, j, f, acked)
		if round > 1 {
			// A process that begins while the disk is full.
			finish(t, j)
			j = begin(t, testOptions(dir))
			f = follow(t, j, FromStart(), Filter{})
			expectAcked(t, j, f, acked)
			for before := len(failed); len(failed) == before; n++ { // there may be room for a few
				failed = append(failed, attempt(t, j, acked, n+1, 1)...)
			}
		}
		set(false)
		await(t, "recovery", func() bool { return j.State().Status == OK })
		for _, number := range failed { // as any client would
			acked[verdict("a", number).GetId()] = appendOne(t, j, verdict("a", number))
		}
		expectAcked(t, j, f, acked)
	}
	finish(t, j)
	j = begin(t, testOptions(dir))
	expectAcked(t, j, follow(t, j, FromStart(), Filter{}), acked)
}

// attempt appends count verdicts at once, remembers those that are acknowledged,
// and gives the numbers of those for which there was no room.
func attempt(t *testing.T, j *Journal, acked map[string]uint64, first, count int) (failed []int) {
	t.Helper()
	var mu sync.Mutex
	var all sync.WaitGroup
	for n := first; n < first+count; n++ {
		all.Go(func() {
			v := verdict("a", n)
			sequence, err := j.Append(context.Background(), v)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				acked[v.GetId()] = sequence
			case errors.Is(err, ErrFull):
				failed = append(failed, n)
			default:
				t.Errorf("append %d: %v", n, err)
			}
		})
	}
	all.Wait()
	return failed
}

// expectAcked wants what was acknowledged in the journal, all of it in its place,
// nothing twice, and f to give it.
func expectAcked(t *testing.T, j *Journal, f *Follower, acked map[string]uint64) {
	t.Helper()
	records, next, err := j.Range(context.Background(), FromStart(), FromNow(), Filter{}, 100000)
	if err != nil || next != 0 {
		t.Fatalf("%v, next %d", err, next)
	}
	seen := map[string]uint64{}
	for i, r := range records {
		id := r.Verdict.GetId()
		if before, ok := seen[id]; ok || r.Sequence != uint64(i+1) {
			t.Fatalf("record %d is %d, %s, which is %d, too", i+1, r.Sequence, id, before)
		}
		seen[id] = r.Sequence
	}
	for id, sequence := range acked {
		if seen[id] != sequence {
			t.Fatalf("%s was acknowledged as %d and is %d", id, sequence, seen[id])
		}
	}
	for f.Reached() < uint64(len(records)) {
		nextInOrder(t, f)
	}
}

// expectAll wants verdicts 1 to n of one source in the journal, each once.
func expectAll(t *testing.T, j *Journal, f *Follower, n int) {
	t.Helper()
	acked := map[string]uint64{}
	expectAcked(t, j, f, acked)
	for i := 1; i <= n; i++ {
		acked[verdict("a", i).GetId()] = appendOne(t, j, verdict("a", i)) // finds it there
	}
	expectAcked(t, j, f, acked)
	if newest := j.Synced(); newest != uint64(n) {
		t.Fatalf("%d records, not %d", newest, n)
	}
}

// What must stay free stays free: the journal stops before the disk is full, and
// its server never notices.
func TestFullByReserve(t *testing.T) {
	o := testOptions(t.TempDir())
	finish(t, begin(t, o))
	o.MinFree = 1 << 60
	j := begin(t, o)
	if s := j.State(); s.Status != Full || !strings.Contains(s.Reason, "free") {
		t.Errorf("the state is %v (%s)", s.Status, s.Reason)
	}
	v := verdict("a", 1)
	v.Evidence = evidence("picture")
	for _, v := range []*streamvetv1.Verdict{v, verdict("a", 2)} {
		if _, err := j.Append(t.Context(), v); !errors.Is(err, ErrFull) {
			t.Errorf("append: %v", err)
		}
	}
	if records, _, err := j.Range(t.Context(), FromStart(), FromNow(), Filter{}, 10); err != nil || len(records) > 0 {
		t.Errorf("%d records: %v", len(records), err)
	}
}

// Every write is synced before it is acknowledged: that is the server's own doing,
// and this is what asks for it.
func TestServerSyncs(t *testing.T) {
	j := begin(t, testOptions(t.TempDir()))
	s, err := j.readable()
	if err != nil {
		t.Fatal(err)
	}
	if config := s.store.(*embedded).server.JetStreamConfig(); !config.SyncAlways {
		t.Errorf("%+v", config)
	}
	if address := s.store.(*embedded).server.Addr(); address != nil {
		t.Errorf("it listens on %v", address)
	}
}

func TestClassify(t *testing.T) {
	for err, want := range map[error]error{
		&fs.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}:         ErrFull,
		errors.New("stream write error: write x: no space left on device"): ErrFull,
		errors.New("write x: file too large"):                              ErrFull,
		errors.New("write x: disk quota exceeded"):                         ErrFull,
		&fs.PathError{Op: "write", Path: "x", Err: syscall.EROFS}:          ErrReadOnly,
		errors.New("open x: read-only file system"):                        ErrReadOnly,
		errors.New("open x: permission denied"):                            ErrReadOnly,
		errors.New("nats: timeout"):                                        ErrUnavailable,
		fmt.Errorf("later: %w", ErrFull):                                   ErrFull,
	} {
		if got := classify(err); !errors.Is(got, want) || !errors.Is(got, err) {
			t.Errorf("%v is %v", err, got)
		}
	}
	if classify(nil) != nil {
		t.Error("nil is an error")
	}
}

func nextInOrder(t *testing.T, f *Follower) {
	t.Helper()
	want := f.Reached() + 1
	if r := nextRecord(t, f); r.Sequence != want {
		t.Fatalf("the follower got %d, not %d", r.Sequence, want)
	}
}

// A disk that nobody may write to. Root may always, so it becomes nobody.
func TestReadOnly(t *testing.T) {
	if here, _ := inChild(t, nil); !here {
		return
	}
	base, err := os.MkdirTemp("", "journal-read-only-")
	if err != nil {
		t.Fatal(err)
	}
	const nobody = 65534
	if os.Getuid() == 0 {
		if err := errors.Join(os.Chown(base, nobody, nobody), syscall.Setgroups(nil), syscall.Setgid(nobody), syscall.Setuid(nobody)); err != nil {
			t.Fatal(err)
		}
	}
	dir := filepath.Join(base, "journal")
	o := testOptions(dir)
	j := begin(t, o)
	f := follow(t, j, FromStart(), Filter{})
	last := 0
	for range 2 {
		fill(t, j, "a", last+1, last+10)
		last += 10
		setMode(t, dir, 0o500)
		for ; ; last++ {
			large := verdict("a", last+1)
			large.Unit = strings.Repeat("x", 200<<10) // a new file is needed soon
			if _, err := j.Append(context.Background(), large); err != nil {
				if !errors.Is(err, ErrReadOnly) {
					t.Fatal(err)
				}
				break
			}
		}
		if state := j.State(); state.Status != ReadOnly || state.Reason == "" {
			t.Fatalf("the state is %v (%s)", state.Status, state.Reason)
		}
		setMode(t, dir, 0o700)
		await(t, "recovery", func() bool { return j.State().Status == OK })
		last++
		appendOne(t, j, verdict("a", last))
		for f.Reached() < uint64(last) {
			nextInOrder(t, f)
		}
	}
	finish(t, j)
	setMode(t, dir, 0o500)
	if _, err := Open(t.Context(), o); !errors.Is(err, ErrReadOnly) {
		t.Errorf("open on a read-only disk: %v", err)
	}
	setMode(t, dir, 0o700)
	if err := os.RemoveAll(base); err != nil && !errors.Is(err, fs.ErrPermission) {
		t.Error(err)
	}
}

func setMode(t *testing.T, dir string, mode os.FileMode) {
	t.Helper()
	var dirs []string
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.IsDir() {
			dirs = append(dirs, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range dirs {
		if err := os.Chmod(d, mode); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(fmt.Errorf("chmod: %w", err))
		}
	}
}
