package journal

import (
	"context"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"
)

// heap is what lives on the heap.
func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func openFiles(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// Followers that come and go leave nothing behind.
func TestManyFollowersComeAndGo(t *testing.T) {
	o := testOptions(t.TempDir())
	o.tailRecords = 20
	j := begin(t, o)
	fill(t, j, "a", 1, 25)
	positions := []Position{FromStart(), FromNow(), FromSequence(20), FromSequence(3), FromTime(time.Unix(0, 0))}
	cycle := func(n int) {
		for i := range n {
			f, err := j.Follow(t.Context(), positions[i%len(positions)], Filter{Sources: []string{"a"}})
			if err != nil {
				t.Fatal(err)
			}
			if i%len(positions) != 1 {
				nextRecord(t, f)
			} else {
				ctx, cancel := context.WithCancel(t.Context())
				cancel()
				f.Next(ctx)
			}
			f.Close()
		}
	}
	cycle(500)
	before, goroutines, files := heap(), runtime.NumGoroutine(), openFiles(t)
	cycle(10000)
	if grown := heap() - before; grown > 2<<20 {
		t.Errorf("%d bytes more after 10000 followers", grown)
	}
	if n := runtime.NumGoroutine(); n > goroutines+5 {
		t.Errorf("%d goroutines, %d before", n, goroutines)
	}
	if n := openFiles(t); n > files+5 {
		t.Errorf("%d files, %d before", n, files)
	}
}

// A thousand followers that have fallen behind cost what one read from disk brings,
// each; those that keep up share the tail.
func TestManySlowFollowers(t *testing.T) {
	const followers, records = 1000, 200
	o := testOptions(t.TempDir())
	o.tailRecords = 30
	j := begin(t, o)
	fast := make([]*Follower, followers)
	for i := range fast {
		fast[i] = follow(t, j, FromNow(), Filter{})
	}
	fill(t, j, "a", 1, records/2)
	before := heap()
	slow := make([]*Follower, followers)
	for i := range slow {
		slow[i] = follow(t, j, FromStart(), Filter{})
		nextRecord(t, slow[i]) // and no more, for now
	}
	each := (heap() - before) / followers
	t.Logf("%d bytes a slow follower", each)
	if each > 2*readBytes {
		t.Errorf("%d bytes a slow follower", each)
	}
	fill(t, j, "a", records/2+1, records)
	if more := (heap() - before) / followers; more > each+1000 {
		t.Errorf("%d bytes a slow follower, and %d when more was appended", each, more)
	}
	var all sync.WaitGroup
	for i := range followers {
		all.Go(func() {
			for f, n := range map[*Follower]uint64{fast[i]: 1, slow[i]: 2} {
				for ; n <= records; n++ {
					if r, err := tryNext(f); err != nil || r.Sequence != n {
						t.Errorf("got %d, want %d: %v", r.Sequence, n, err)
						return
					}
				}
			}
		})
	}
	all.Wait()
	idle := heap()
	for range followers {
		follow(t, j, FromNow(), Filter{})
	}
	t.Logf("%d bytes a follower that keeps up", (heap()-idle)/followers)
}

// Journals that are opened and closed leave nothing behind either.
func TestOpenAndCloseAgain(t *testing.T) {
	dir := t.TempDir()
	cycle := func(n int) {
		for range n {
			j, err := Open(t.Context(), testOptions(dir))
			if err != nil {
				t.Fatal(err)
			}
			appendOne(t, j, verdict("a", 1))
			finish(t, j)
		}
	}
	cycle(5)
	before, goroutines, files := heap(), runtime.NumGoroutine(), openFiles(t)
	cycle(20)
	await(t, "goroutines to end", func() bool { return runtime.NumGoroutine() <= goroutines })
	// The server keeps a quarter of a MiB until a timer of two minutes has run out.
	if grown := heap() - before; grown > 20*400<<10 {
		t.Errorf("%d bytes more", grown)
	}
	if n := openFiles(t); n > files {
		t.Errorf("%d files, %d before", n, files)
	}
}
