package journal

import (
	"errors"
	"sync"
)

// Status is what a journal can do now.
type Status int

// A journal recovers from all of these by itself.
const (
	// OK: it takes and gives records.
	OK Status = iota
	// Full: the disk is full. It gives records.
	Full
	// ReadOnly: the disk cannot be written to. It may not give records either.
	ReadOnly
	// Unavailable: it cannot be reached.
	Unavailable
)

func (s Status) String() string {
	return [...]string{"ok", "full", "read-only", "unavailable"}[s]
}

// State is how a journal is.
type State struct {
	// ID names the journal. Another ID means other records behind the same
	// sequences: whoever resumes by sequence must begin anew.
	ID string
	// Status is what it can do, and Reason why it can do no more.
	Status Status
	Reason string
	// First is the sequence of the oldest record that is kept, 0 without one.
	First uint64
	// Latest is that of the newest one, 0 before the first.
	Latest uint64
	// Records is how many there are.
	Records uint64
	// Bytes is how much records and pictures take on disk.
	Bytes uint64
	// Lost is how many records were damaged on disk, as found when it was opened.
	Lost uint64
}

// condition keeps a journal's state and tells when its status changes.
type condition struct {
	mu      sync.Mutex
	state   State
	trouble error
	changed chan struct{}
}

func newCondition() *condition { return &condition{changed: make(chan struct{})} }

// set takes the error that stands in the way of appends, nil if there is none,
// and says whether the status is another one now.
func (c *condition) set(err error) bool {
	status, reason := OK, ""
	switch {
	case err == nil:
	case errors.Is(err, ErrFull):
		status, reason = Full, err.Error()
	case errors.Is(err, ErrReadOnly):
		status, reason = ReadOnly, err.Error()
	default:
		status, reason = Unavailable, err.Error()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.trouble = err
	c.state.Reason = reason
	if status == c.state.Status {
		return false
	}
	c.state.Status = status
	close(c.changed)
	c.changed = make(chan struct{})
	return true
}

// update changes the numbers of the state.
func (c *condition) update(change func(*State)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change(&c.state)
}

func (c *condition) get() (State, error, <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state, c.trouble, c.changed
}
