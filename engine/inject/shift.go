package inject

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/streamvet/streamvet/engine/verdict"
)

// Sound is noticed to be early from 45 ms on, and to be late from 125 ms on
// (ITU-R BT.1359-1).
const (
	earlySeconds = 0.045
	lateSeconds  = 0.125
)

// noticed tells whether sound that is so much late (negative: early) is noticed.
func noticed(late float64) bool { return late >= lateSeconds || late <= -earlySeconds }

func lateParam() Param {
	return Param{Name: "ms", Default: 200, Min: -10000, Max: 10000, Unit: "ms", Help: "how late the sound is; negative: early"}
}

// lateLevels go both ways: in turn late and early, each beyond what is noticed.
func lateLevels() []Params { return ladder("ms", 160, -80, 400, -240) }

// shiftedSound is the clip's own sound from another place.
type shiftedSound struct {
	ctx   context.Context
	tools Tools
	in    input
	track SoundTrack
	from  int64 // sample of the clip that is heard at the start of the span
	feed  *soundFeed
	own   []float32
}

// shift is the substitution of av_offset.
func shift(ctx context.Context, r *run, d *planned) (replacement, error) {
	track := *r.plan.media.Sound
	late := int64(math.Round(d.spec.Params["ms"] / 1000 * float64(track.RateHz)))
	if late == 0 {
		return nil, fmt.Errorf("an offset of 0 ms is none")
	}
	return &shiftedSound{ctx: ctx, tools: r.tools, in: r.input(), track: track, from: d.span.start - late}, nil
}

func (s *shiftedSound) sound(samples []float32, n int64) (bool, error) {
	if s.feed == nil {
		s.feed = openSoundFeed(s.ctx, s.tools, s.in, s.track, s.from)
	}
	if len(s.own) < len(samples) {
		s.own = make([]float32, len(samples))
	}
	got := s.own[:len(samples)]
	if err := s.feed.next(got, s.track.Channels); err != nil {
		return false, err
	}
	marked := false
	for i, v := range got {
		marked = marked || v != samples[i]
	}
	copy(samples, got)
	return marked, nil
}

func (s *shiftedSound) picture(*Picture, int64) (bool, error) { return false, nil }

func (s *shiftedSound) close() {
	if s.feed != nil {
		s.feed.close()
		s.feed = nil
	}
}

// timestampKinds change when sound is played, and not what it is.
func timestampKinds() []Kind {
	return []Kind{{
		Name: "av_timestamps", Medium: Timestamps, Defect: verdict.AVDesync, Length: time.Second,
		Summary: "timestamps of the sound run away from START to END and stay off to the end of the file; START 0: they are off from the start",
		Example: "av_timestamps:ms=300@2-8",
		Params:  []Param{lateParam()}, Levels: lateLevels(),
		stamps: func(p Params, start, end float64) string {
			late := decimal(p["ms"] / 1000)
			if start == 0 {
				return late
			}
			return fmt.Sprintf("(%s)*clip((T-%s)/%s,0,1)", late, decimal(start), decimal(end-start))
		},
		check: func(p Params) error {
			if p["ms"] == 0 {
				return fmt.Errorf("an offset of 0 ms is none")
			}
			return nil
		},
	}}
}

// noticedFrom is the sample from which an offset that grows over a span is
// noticed; false where it never is.
func noticedFrom(d *planned, rateHz int) (int64, bool) {
	late := d.spec.Params["ms"] / 1000
	if !noticed(late) {
		return d.span.start, false
	}
	if d.span.start == 0 {
		return 0, true
	}
	least := lateSeconds
	if late < 0 {
		least = earlySeconds
	}
	return d.span.start + int64(least/math.Abs(late)*float64(d.span.length())), true
}
