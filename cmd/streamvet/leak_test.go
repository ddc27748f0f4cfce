package main

import (
	"context"
	"os"
	"runtime"
	"strings"
	"testing"
)

// held is what a process holds on to.
type held struct{ goroutines, files, threads int }

func holding(t testing.TB) held {
	t.Helper()
	count := func(dir string) int {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Skipf("no %s here: %v", dir, err)
		}
		return len(entries)
	}
	return held{runtime.NumGoroutine(), count("/proc/self/fd"), count("/proc/self/task")}
}

// Vetting again and again leaves nothing behind: good inputs, bad ones, and those
// that are broken off.
func TestNothingIsLeft(t *testing.T) {
	networks := networkDir(t)
	garbage := written(t, "garbage.mp4", noise(50000))
	round := func() {
		streamvet(t, "vet", "-q", "--models", networks, bad(t), garbage, good(t)).want(t, exitTrouble)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		streamvetWith(ctx, func(text string) {
			if strings.Contains(text, "raised") {
				cancel()
			}
		}, "vet", "-q", "--models", networks, bad(t)).want(t, exitDefects)
	}
	for range 3 { // threads and pools that are made once
		round()
	}
	before := holding(t)
	for range 30 {
		round()
	}
	// The runtime keeps a few threads for later, and gives none back.
	if after := holding(t); after.goroutines > before.goroutines+2 || after.files > before.files+2 || after.threads > before.threads+10 {
		t.Errorf("after 3 rounds %+v, after 33 %+v", before, after)
	}
}
