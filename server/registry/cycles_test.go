package registry

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

var cycles = flag.Int("cycles", 200, "how many times TestCycles adds and removes a source")

// usage is what a process takes.
type usage struct {
	heap, resident             uint64
	goroutines, threads, files int
}

func (u usage) String() string {
	return fmt.Sprintf("%d KiB of heap, %d MiB resident, %d goroutines, %d threads, %d files", u.heap>>10, u.resident>>20, u.goroutines, u.threads, u.files)
}

func used(t *testing.T) (u usage) {
	t.Helper()
	runtime.GC()
	runtime.GC() // what the first one has freed for finalizers
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	u.heap, u.goroutines = m.HeapAlloc, runtime.NumGoroutine()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	for field, to := range map[string]any{"Threads:": &u.threads, "VmRSS:": &u.resident} {
		_, rest, _ := strings.Cut(string(status), field)
		if _, err := fmt.Sscan(rest, to); err != nil {
			t.Fatal(err)
		}
	}
	u.resident <<= 10
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	u.files = len(files)
	return u
}

// Sources that come and go leave nothing behind: some are removed while they
// connect, some while they run, some at their end.
func TestCycles(t *testing.T) {
	r := openRoom(t)
	film := r.film()
	cycle := func(i int) {
		name := fmt.Sprintf("s%d", i%50)
		r.add(&streamvetv1.SourceConfig{Name: name, Url: film})
		switch i % 3 {
		case 1:
			r.await(name, func(s *streamvetv1.SourceStatus) bool { return s.GetFrames() > 0 || s.GetState() == ended })
		case 2:
			r.await(name, in(ended))
		}
		if err := r.Remove(t.Context(), name); err != nil {
			t.Fatal(err)
		}
		r.shelf.mu.Lock()
		r.shelf.verdicts = nil // what the test keeps is no leak
		r.shelf.mu.Unlock()
	}
	warm := 100 // threads, pools and names come to be
	for i := range warm {
		cycle(i)
	}
	r.flushes.Wait()
	before := used(t)
	for i := range *cycles {
		cycle(i)
	}
	r.flushes.Wait()
	var after usage
	for late := time.Now().Add(patience); ; runtime.Gosched() { // timers and exits that are under way
		after = used(t)
		if after.goroutines <= before.goroutines || time.Now().After(late) {
			break
		}
	}
	t.Logf("before: %v; after %d cycles: %v", before, *cycles, after)
	if after.goroutines > before.goroutines || after.files > before.files || after.threads > before.threads+8 || after.heap > before.heap+1<<20 ||
		after.resident > before.resident+32<<20 {
		t.Errorf("it grows: before %v, after %v", before, after)
	}
	if n := len(r.entries) + len(r.store.open.open) + len(r.watch.watchers); n > 0 {
		t.Errorf("%d things are left", n)
	}
}
