package livetest

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
)

// vitals are what a process that leaks has ever more of.
type vitals struct {
	goroutines, threads, files int
	memory                     int64 // resident bytes
}

func read(t *testing.T) (v vitals) {
	t.Helper()
	debug.FreeOSMemory()
	v.goroutines = runtime.NumGoroutine()
	v.threads, v.files = entries(t, "/proc/self/task"), entries(t, "/proc/self/fd")
	status, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Fatal(err)
	}
	var pages int64
	if _, err := fmt.Sscan(strings.Fields(string(status))[1], &pages); err != nil {
		t.Fatal(err)
	}
	v.memory = pages * int64(os.Getpagesize())
	return v
}

func entries(t *testing.T, dir string) int {
	t.Helper()
	all, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}

func (v vitals) String() string {
	return fmt.Sprintf("%d goroutines, %d threads, %d files, %.1f MiB", v.goroutines, v.threads, v.files, float64(v.memory)/(1<<20))
}

// few is how much more of something is no leak: threads and sockets come and go a
// little late.
const few = 8

// flat holds that `rounds` rounds since before have left nothing behind but what
// allocators keep: 12 MiB, more under load (giveBack), and 4 KiB a round.
func (v vitals) flat(t *testing.T, before vitals, rounds int) {
	t.Helper()
	t.Logf("before: %v; after %d rounds: %v", before, rounds, v)
	for what, more := range map[string]int{
		"goroutines": v.goroutines - before.goroutines, "threads": v.threads - before.threads, "files": v.files - before.files,
	} {
		if more > few {
			t.Errorf("%d more %s", more, what)
		}
	}
	keeps := int64(12 << 20)
	if *load {
		keeps = 64 << 20
	}
	if more := v.memory - before.memory; more > keeps+int64(rounds)*4<<10 {
		t.Errorf("%d KiB more memory, %d bytes a round", more>>10, more/int64(rounds))
	}
}
