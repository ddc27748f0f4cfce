package journal

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
)

// What a caller tells apart, with errors.Is.
var (
	// ErrFull: the disk has no room. The journal still gives records, and takes
	// them again when there is room.
	ErrFull = errors.New("the disk is full")
	// ErrReadOnly: the disk cannot be written to. Otherwise as ErrFull, but it may
	// not be able to give records either.
	ErrReadOnly = errors.New("the disk is read-only")
	// ErrUnavailable: the journal cannot be reached, for now. An append that failed
	// so may have been stored; trying it again does not store it twice.
	ErrUnavailable = errors.New("the journal cannot be reached")
	// ErrClosed: Close was called.
	ErrClosed = errors.New("the journal is closed")
	// ErrInvalid: the verdict cannot be stored; trying again will not help.
	ErrInvalid = errors.New("invalid verdict")
	// ErrNotFound: there is no such record or picture, or retention took it.
	ErrNotFound = errors.New("not in the journal")
	// ErrAhead: the sequence is beyond the next record's. It was seen in another
	// journal, or in this one before it was damaged.
	ErrAhead = errors.New("the sequence is beyond the newest record's next one")
	// ErrReplaced: the journal's newest records were lost and their sequences begin
	// anew, or it is another journal by now. Follow again.
	ErrReplaced = errors.New("the journal is another one by now")
	// ErrLocked: another process has the directory.
	ErrLocked = errors.New("the directory is in use by another process")
	// ErrNewer: a newer version of streamvet wrote the journal.
	ErrNewer = errors.New("the journal was written by a newer version")
	// ErrDamaged: the records are on disk but cannot be read.
	ErrDamaged = errors.New("the journal is damaged")
)

// Gap is the error with which Follower.Next tells, once, of records that can no
// longer be had. The next call goes on behind them.
type Gap struct {
	// First and Last are the sequences of the first and last one that are gone.
	First, Last uint64
	// Damage says that they were damaged on disk; otherwise retention took them.
	Damage bool
}

func (g *Gap) Error() string {
	why := "retention took them"
	if g.Damage {
		why = "they were damaged on disk"
	}
	return fmt.Sprintf("journal: records %d to %d are gone: %s", g.First, g.Last, why)
}

// diskErrors are the numbers by which a system says that a disk is full or
// read-only. A size limit on files and a quota count as full: they end alike.
var diskErrors = map[syscall.Errno]error{
	syscall.ENOSPC: ErrFull,
	syscall.EDQUOT: ErrFull,
	syscall.EFBIG:  ErrFull,
	syscall.EROFS:  ErrReadOnly,
	syscall.EACCES: ErrReadOnly,
	syscall.EPERM:  ErrReadOnly,
}

// classify makes of an error of the disk, or of a text that quotes one, ErrFull,
// ErrReadOnly or ErrUnavailable with that as the reason. The server hands out
// the errors of its disk only as text.
func classify(err error) error {
	if err == nil {
		return nil
	}
	for _, known := range []error{ErrFull, ErrReadOnly, ErrUnavailable, ErrClosed, ErrDamaged, ErrNewer} {
		if errors.Is(err, known) {
			return err
		}
	}
	for errno, kind := range diskErrors {
		if errors.Is(err, errno) || strings.Contains(err.Error(), errno.Error()) {
			return fmt.Errorf("%w: %w", kind, err)
		}
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}
