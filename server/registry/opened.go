package registry

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
	"github.com/streamvet/streamvet/server/journal"
)

// openVerdicts notes which verdicts in the journal are raised and not cleared, so
// that those of a process that was killed are cleared by the next one: nobody else
// would. The notes are not synced; what a power failure takes of them is found out
// in the journal.
type openVerdicts struct {
	path string
	log  *slog.Logger

	mu    sync.Mutex
	file  *os.File
	size  int
	open  map[openVerdict]struct{}
	stale []openVerdict // of the process before
}

type openVerdict struct{ source, id string }

// openBytes is from which size on the notes are written anew.
const openBytes = 1 << 20

func openOpenVerdicts(path string, log *slog.Logger) (*openVerdicts, error) {
	o := &openVerdicts{path: path, log: log, open: map[openVerdict]struct{}{}}
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		var sum uint32
		var sign, source, id string
		if n, _ := fmt.Sscanf(lines.Text(), "%08x %1s %63s %q", &sum, &sign, &source, &id); n != 4 || openLine(sign, openVerdict{source, id}) != lines.Text()+"\n" {
			continue // was being written
		}
		if sign == "+" {
			o.open[openVerdict{source, id}] = struct{}{}
		} else {
			delete(o.open, openVerdict{source, id})
		}
	}
	for v := range o.open {
		o.stale = append(o.stale, v)
	}
	o.rewrite()
	return o, nil
}

func openLine(sign string, v openVerdict) string {
	text := fmt.Sprintf(" %s %s %q\n", sign, v.source, v.id)
	return fmt.Sprintf("%08x%s", crc32.ChecksumIEEE([]byte(text)), text)
}

// stored notes a verdict that the journal has.
func (o *openVerdicts) stored(v *streamvetv1.Verdict) {
	key := openVerdict{v.GetSource(), v.GetId()}
	o.mu.Lock()
	defer o.mu.Unlock()
	_, was := o.open[key]
	switch {
	case v.GetState() == streamvetv1.State_STATE_CLEARED && was:
		delete(o.open, key)
		o.write(openLine("-", key))
	case v.GetState() != streamvetv1.State_STATE_CLEARED && !was:
		o.open[key] = struct{}{}
		o.write(openLine("+", key))
	}
}

// write is a help, not more: it may fail.
func (o *openVerdicts) write(line string) {
	if o.size > openBytes {
		o.rewrite()
	}
	if o.file == nil {
		return
	}
	n, err := o.file.WriteString(line)
	if o.size += n; err != nil {
		o.log.Debug("note an open verdict", "error", err)
	}
}

// rewrite puts notes in place that have what is open alone.
func (o *openVerdicts) rewrite() {
	var text strings.Builder
	for v := range o.open {
		text.WriteString(openLine("+", v))
	}
	if err := writeFile(o.path, []byte(text.String())); err != nil {
		o.log.Debug("note the open verdicts", "error", err)
	}
	if o.file != nil {
		o.file.Close()
	}
	o.size = text.Len()
	var err error
	if o.file, err = os.OpenFile(o.path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600); err != nil {
		o.file = nil
		o.log.Warn("open verdicts are not noted: after a crash they stay open", "error", err)
	}
}

func (o *openVerdicts) close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.file == nil {
		return nil
	}
	err := o.file.Close()
	o.file = nil
	return err
}

// clearStale clears the verdicts that the process before has left open, until ctx ends.
func (r *Registry) clearStale(ctx context.Context) {
	for _, v := range r.store.open.stale {
		for pause := firstPause; ; pause = min(2*pause, longestPause) {
			err := r.clear(ctx, v)
			if err == nil {
				break
			}
			r.log.Debug("clear a verdict that was left open", "source", v.source, "id", v.id, "error", err)
			t := time.NewTimer(pause)
			select {
			case <-t.C:
			case <-ctx.Done():
				t.Stop()
				return
			}
		}
	}
}

func (r *Registry) clear(ctx context.Context, v openVerdict) error {
	last, err := r.options.Journal.Latest(ctx, v.source, v.id)
	if errors.Is(err, journal.ErrNotFound) { // retention took it
		r.store.open.stored(&streamvetv1.Verdict{Source: v.source, Id: v.id, State: streamvetv1.State_STATE_CLEARED})
		return nil
	}
	if err != nil {
		return err
	}
	end := proto.Clone(last.Verdict).(*streamvetv1.Verdict)
	if end.GetState() != streamvetv1.State_STATE_CLEARED {
		end.State, end.Time, end.Evidence = streamvetv1.State_STATE_CLEARED, timestamppb.Now(), nil
		if _, err := r.options.Journal.Append(ctx, end); err != nil {
			return err
		}
		r.log.Info("a verdict that was open when the process before ended is cleared", "source", v.source, "id", v.id)
	}
	r.store.open.stored(end)
	return nil
}
