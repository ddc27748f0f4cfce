package engine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/streamvet/streamvet/engine/media"
)

// Reconnect is how a source that was lost is taken up again: the wait before try
// n is Initial * 2^(n-1), at most Max, and varies by Jitter.
type Reconnect struct {
	Initial, Max time.Duration // 0 stands for 500 ms and 30 s
	Jitter       float64       // share of the wait that is random: 0.2 makes it 80 to 120 %
	// Attempts is after how many tries in a row without a picture or sound the
	// source has failed; 0 is never.
	Attempts int
}

func (r Reconnect) withDefaults() Reconnect {
	if r.Initial <= 0 {
		r.Initial = 500 * time.Millisecond
		if r.Max > 0 {
			r.Initial = min(r.Initial, r.Max)
		}
	}
	if r.Max <= 0 {
		r.Max = max(30*time.Second, r.Initial)
	}
	r.Jitter = min(max(r.Jitter, 0), 1)
	return r
}

// wait is how long to wait before try n, from 1.
func (r Reconnect) wait(n int) time.Duration {
	d := float64(r.Initial)
	for ; n > 1 && d < float64(r.Max); n-- {
		d *= 2
	}
	d = min(d, float64(r.Max))
	return time.Duration(d * (1 + r.Jitter*(2*rand.Float64()-1)))
}

// Phase is what a supervised source does.
type Phase uint8

const (
	Connecting Phase = iota + 1
	Running          // connected; Source.Progress and Source.Silent tell how it goes
	Reconnecting
	Failed // given up
	Ended  // it was a file, and all of it was vetted
)

func (p Phase) String() string {
	return [...]string{"unknown", "connecting", "running", "reconnecting", "failed", "ended"}[min(p, Ended)]
}

// Turn is a change in the life of a supervised source.
type Turn struct {
	Phase  Phase
	Epoch  int       // number of the connection
	Source *Source   // of this epoch, from Running on until the next Connecting
	Reason error     // why it is lost, or was given up; nil while all is well
	Retry  time.Time // when the next try is due, while Reconnecting
}

// Supervise keeps a source running until ctx ends, it is over, or it is given up:
// one that is lost is connected again, as the next epoch after c.Epoch, with media
// time at zero. tell is called at each turn, and must be quick. The error is why
// it was given up; nil where it ended, or ctx did.
func (e *Engine) Supervise(ctx context.Context, c SourceConfig, r Reconnect, tell func(Turn)) error {
	if c.Name == "" {
		c.Name = media.WithoutPassword(c.URL)
	}
	s := &supervisor{engine: e, config: c, policy: r.withDefaults(), tell: tell}
	return s.run(ctx)
}

type supervisor struct {
	engine *Engine
	config SourceConfig
	policy Reconnect
	tell   func(Turn)
	tries  int // in a row that brought nothing
	outage outage
}

func (s *supervisor) run(ctx context.Context) error {
	s.outage = outage{engine: s.engine, config: &s.config}
	for {
		s.config.Epoch++
		turn, err := s.connection(ctx)
		switch {
		case ctx.Err() != nil:
			s.outage.end(time.Now())
			return nil
		case err == nil:
			turn.Phase = Ended
			s.tell(turn)
			return nil
		case isFinal(err, s.config.URL), s.policy.Attempts > 0 && s.tries >= s.policy.Attempts:
			turn.Phase, turn.Reason = Failed, err
			s.outage.end(time.Now())
			s.tell(turn)
			return err
		}
		wait := s.policy.wait(max(s.tries, 1))
		turn.Phase, turn.Reason, turn.Retry = Reconnecting, err, time.Now().Add(wait)
		s.tell(turn)
		if !s.outage.sleep(ctx, wait) {
			s.outage.end(time.Now())
			return nil
		}
	}
}

// errOver is the loss of a live source whose peer said that it was over.
var errOver = errors.New("the peer has ended the stream")

// connection is one epoch, from connecting to its loss. It is nil where there is
// nothing to connect to again.
func (s *supervisor) connection(ctx context.Context) (Turn, error) {
	turn := Turn{Phase: Connecting, Epoch: s.config.Epoch}
	s.tell(turn)
	s.tries++
	if s.config.Renew != nil {
		if err := s.config.Renew(&s.config); err != nil {
			s.outage.begin(time.Now(), 0)
			return turn, err
		}
	}
	c := s.config
	c.Sink = &firstFrame{Sink: c.Sink, outage: &s.outage}
	source, err := s.engine.Add(ctx, c)
	if err != nil {
		s.outage.begin(time.Now(), 0)
		return turn, err
	}
	turn.Phase, turn.Source = Running, source
	s.tell(turn)
	sum, err := source.Wait()
	if sum.Position > 0 {
		s.tries = 0
	}
	if err == nil && (source.Realtime() || media.ComesAtItsPace(s.config.URL)) {
		err = errOver
	}
	if err != nil && ctx.Err() == nil {
		s.outage.begin(time.Now().Add(-source.Silent()), sum.Position)
	}
	return turn, err
}

// isFinal tells whether trying again is of no use: what was asked for makes no
// sense. What a server on the network does not have, or does not give, it may later.
func isFinal(err error, url string) bool {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		scheme, _, far := strings.Cut(url, "://")
		return !far || strings.EqualFold(scheme, "file")
	}
	return errors.Is(err, media.ErrAddress) || errors.Is(err, ErrClosed) || errors.Is(err, ErrSelection)
}

// epochID makes ids of one epoch differ from those of others.
func epochID(epoch int, id string) string {
	if epoch == 0 {
		return id
	}
	return fmt.Sprintf("e%d/%s", epoch, id)
}
