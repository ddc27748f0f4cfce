package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
	"google.golang.org/grpc/codes"

	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

// upload is a file whose bytes come on a call. They go through a pipe to the
// decoder as they come, and lie nowhere; but a file with its index at the end must
// be there whole, in memory, before it can be read.
type upload struct {
	name     string
	file     *os.File // what is read
	received atomic.Int64
	limit    int64
	into     *os.File // the writing end of the pipe; nil once it is closed
	done     chan struct{}

	mu     sync.Mutex
	failed error // why no more came
}

// uploadStream is the client's side of a call.
type uploadStream interface {
	Recv() (*streamvetv1.VetRequest, error)
}

// receive begins to take an upload.
func receive(ctx context.Context, l Limits, u *streamvetv1.Upload, from uploadStream) (*upload, error) {
	if u.GetSizeBytes() > l.UploadBytes {
		return nil, tooLarge("the upload has %d bytes, the server takes %d: name a URL instead", u.GetSizeBytes(), l.UploadBytes)
	}
	up := &upload{name: u.GetName(), limit: int64(l.UploadBytes), done: make(chan struct{})}
	if up.name == "" {
		up.name = "upload"
	}
	first, err := up.next(from)
	if errors.Is(err, io.EOF) {
		return nil, fail(codes.InvalidArgument, streamvetv1.ErrorReason_ERROR_REASON_MEDIA, "the upload is empty")
	}
	if err != nil {
		return nil, err
	}
	if indexComesLast(first) {
		return up, up.gather(first, from, int64(l.IndexLastBytes))
	}
	return up, up.stream(ctx, first, from)
}

func tooLarge(format string, args ...any) error {
	return fail(codes.ResourceExhausted, streamvetv1.ErrorReason_ERROR_REASON_SIZE, format, args...)
}

// next gives the next bytes, io.EOF after the last.
func (u *upload) next(from uploadStream) ([]byte, error) {
	r, err := from.Recv()
	if err != nil {
		return nil, err
	}
	if r.GetOptions() != nil {
		return nil, outOfOrder("options came twice: send them once, then chunks")
	}
	if u.received.Add(int64(len(r.GetChunk()))) > u.limit {
		return nil, tooLarge("the upload is larger than the %d bytes that the server takes: name a URL instead", u.limit)
	}
	return r.GetChunk(), nil
}

// stream passes what comes through a pipe. The end that the decoder reads does
// not block, so that it can be interrupted.
func (u *upload) stream(ctx context.Context, first []byte, from uploadStream) error {
	var ends [2]int
	if err := unix.Pipe2(ends[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		return fmt.Errorf("make a pipe for an upload: %w", err)
	}
	u.file, u.into = os.NewFile(uintptr(ends[0]), u.name), os.NewFile(uintptr(ends[1]), u.name)
	stop := context.AfterFunc(ctx, func() { u.into.Close() })
	go func() {
		defer close(u.done)
		defer stop()
		defer u.into.Close()
		for chunk := first; ; {
			if _, err := u.into.Write(chunk); err != nil {
				return // nobody reads any more
			}
			var err error
			if chunk, err = u.next(from); err != nil {
				if !errors.Is(err, io.EOF) {
					u.fail(err)
				}
				return
			}
		}
	}()
	return nil
}

// gather takes the whole upload into memory.
func (u *upload) gather(chunk []byte, from uploadStream, most int64) error {
	close(u.done)
	fd, err := unix.MemfdCreate("streamvet-upload", unix.MFD_CLOEXEC)
	if err != nil {
		return fmt.Errorf("keep an upload in memory: %w", err)
	}
	u.file = os.NewFile(uintptr(fd), u.name)
	for {
		if u.received.Load() > most {
			err = tooLarge("its index is at its end, so that it must be in memory whole, and it is larger than the %d bytes that may be: put the index first (ffmpeg -c copy -movflags +faststart), or name a URL", most)
		}
		if err == nil {
			_, err = u.file.Write(chunk)
		}
		if err == nil {
			chunk, err = u.next(from)
		}
		if errors.Is(err, io.EOF) {
			_, err = u.file.Seek(0, io.SeekStart)
			return err
		}
		if err != nil {
			u.file.Close()
			return err
		}
	}
}

func (u *upload) fail(err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.failed = err
}

// cause is why no more came, or nil.
func (u *upload) cause() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.failed
}

// close ends the upload; what receives may wait for the client a while longer,
// until the call has ended.
func (u *upload) close() {
	u.file.Close()
	if u.into != nil {
		u.into.Close()
	}
}
