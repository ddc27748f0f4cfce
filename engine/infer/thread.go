package infer

import (
	"runtime"
	"sync"
)

// thread is an OS thread that does one thing at a time. The CUDA provider keeps
// handles of cuBLAS and cuDNN, workspace and captured graphs for every thread that
// runs a session, so a session on a GPU has one thread, whoever calls. The nil
// thread is the caller's own.
type thread struct {
	mu      sync.Mutex
	jobs    chan func() error
	results chan error
}

func newThread() *thread {
	t := &thread{jobs: make(chan func() error), results: make(chan error)}
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		for f := range t.jobs {
			t.results <- f()
		}
		close(t.results)
	}()
	return t
}

// do does f on the thread and gives its error.
func (t *thread) do(f func() error) error {
	if t == nil {
		return f()
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.jobs <- f
	return <-t.results
}

// close ends the thread. Nothing may be asked of it later.
func (t *thread) close() {
	if t != nil {
		close(t.jobs)
		<-t.results
	}
}
