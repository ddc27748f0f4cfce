package engine

import (
	"context"
	"slices"
	"time"

	"github.com/streamvet/streamvet/engine/batch"
	"github.com/streamvet/streamvet/engine/excerpt"
	"github.com/streamvet/streamvet/engine/frame"
)

// listener lets one network hear the sound of one track. Owned by the track's
// goroutine.
type listener struct {
	network *network
	ears    *ears
	cutter  *excerpt.Cutter // nil before the first block, and for formats that it does not take
	came    time.Time       // the last block, out of the decoder
}

// newListener takes over a use of n.
func newListener(n *network, e *ears) *listener {
	l := &listener{network: n, ears: e}
	l.fit()
	return l
}

func (l *listener) of() *network { return l.network }

// fit prepares for sound of the format of the track. What was heard before has ended.
func (l *listener) fit() {
	if l.cutter = nil; l.ears.rate == 0 {
		return
	}
	cutter, err := excerpt.New(l.network.excerpts(), l.ears.rate, l.ears.channels)
	if err != nil {
		l.ears.source.log.Warn("a network that does not hear this sound", "detector", l.network.detector.Name, "track", l.ears.track, "reason", err)
		return
	}
	l.cutter = cutter
}

// hear takes the next block of sound, which came out of the decoder then.
func (l *listener) hear(ctx context.Context, a *frame.Audio, came time.Time) error {
	if l.cutter == nil {
		return nil
	}
	l.came = came
	for w := range l.cutter.Windows(a) {
		if err := l.show(ctx, w); err != nil {
			return err
		}
	}
	return nil
}

// end shows what is left of the sound so far.
func (l *listener) end(ctx context.Context) error {
	if l.cutter == nil {
		return nil
	}
	for w := range l.cutter.Rest() {
		if err := l.show(ctx, w); err != nil {
			return err
		}
	}
	return nil
}

// show gives a window to the network, a row for each channel that differs. Of a
// source that drops it is the first row that decides: a window is heard whole or not
// at all. The others wait for their slots, for as long as a few batches take.
func (l *listener) show(ctx context.Context, w excerpt.Window) error {
	source, hall := l.ears.source, l.network.hall
	slot, ok, err := source.acquire(ctx, hall, soundPatience)
	if err == nil && !ok {
		source.missed(l.network)
	}
	if err != nil || !ok {
		return err
	}
	source.clock.look()
	rows := distinct(w.Rows)
	h := l.network.begin(w, len(rows))
	h.ears, h.came = l.ears, l.came
	for i, samples := range rows {
		if i > 0 {
			if slot, err = source.await(ctx, hall); err != nil {
				return err
			}
		}
		l.put(slot, samples, h)
	}
	return nil
}

// distinct leaves out channels that are as one before them, in place: the same sound
// on both sides, and silence, are heard once.
func distinct(rows [][]float32) [][]float32 {
	found := rows[:0]
	for _, r := range rows {
		if !slices.ContainsFunc(found, func(f []float32) bool { return slices.Equal(f, r) }) {
			found = append(found, r)
		}
	}
	return found
}

// put writes one row and hands it over.
func (l *listener) put(slot batch.Slot, samples []float32, h *hearing) {
	copy(l.network.hall.samples(slot), samples)
	l.ears.looks.Add(1)
	l.network.hall.Commit(slot, look{source: l.ears.source, pending: &l.ears.looks, came: h.came, committed: time.Now(), heard: h})
}

func (l *listener) close() error { return l.network.release() }
