package journal

import (
	"context"
	"fmt"
	"io"
)

// Poll gives the next record, or, without one, a channel that is closed when there
// may be more; or neither, if it only came further: call it again. It fails as
// Next does, and waits for nothing but the disk.
func (f *Follower) Poll(ctx context.Context) (r Record, wait <-chan struct{}, err error) {
	select {
	case <-f.closed:
		return Record{}, nil, io.EOF
	case <-f.journal.life.Done():
		return Record{}, nil, fmt.Errorf("journal: follow: %w", ErrClosed)
	case <-ctx.Done():
		return Record{}, nil, ctx.Err()
	default:
	}
	if id := f.journal.State().ID; id != f.id {
		return Record{}, nil, fmt.Errorf("journal: follow: %w", ErrReplaced)
	}
	return f.step(ctx)
}

// JournalID names the journal that is followed, as in State.
func (f *Follower) JournalID() string { return f.id }
