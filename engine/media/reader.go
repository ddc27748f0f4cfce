package media

import (
	"fmt"
	"time"

	astiav "github.com/asticode/go-astiav"
)

// start runs the reading goroutine, once.
func (s *Source) start() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	if !s.started {
		s.started = true
		s.reader.Go(func() { s.end(s.read()) })
	}
	return nil
}

// end tells every track that no more packets come.
func (s *Source) end(err error) {
	for _, f := range s.feeds {
		f.queue.end(err)
	}
}

// unreadable is how many failed reads in a row, none of which comes further, end
// a source: what is left is not what the format asks for.
const unreadable = 64

// read moves packets into the queues until the end of the source (nil), Close, or
// an error that more reading does not help.
func (s *Source) read() error {
	failed, reached := 0, int64(0)
	for {
		s.discardSkipped()
		pkt := s.packets.get()
		var info packetInfo
		s.waitingSince.Store(time.Now().UnixNano())
		rc := s.in.read(s.format, pkt, s.options.StallTimeout, &info)
		s.waitingSince.Store(0)
		if rc < 0 || info.logged {
			s.drainLog()
		}
		if rc < 0 {
			s.packets.put(pkt)
			failed++
			if info.position > reached { // an hour of zeros is passed in small steps
				failed, reached = 1, info.position
			}
			if end, err := s.readEnded(rc, failed); end {
				return err
			}
			continue
		}
		failed, reached = 0, max(reached, info.position)
		f := s.feeds[info.stream]
		if f == nil || f.dropped {
			s.packets.put(pkt)
			continue
		}
		p := packet{av: pkt, size: info.size, duration: info.duration, key: info.key, mark: s.line.observe(f.index, info)}
		if !s.push(f, p) {
			s.packets.put(pkt)
			return ErrClosed
		}
	}
}

// Waiting is how long the input has given nothing by now, though it was asked; 0
// while it is not asked, because the queues are full, or before and after reading.
// Where ErrStalled ended the reading, it goes on counting.
func (s *Source) Waiting() time.Duration {
	since := s.waitingSince.Load()
	if since == 0 {
		return 0
	}
	return max(0, time.Duration(time.Now().UnixNano()-since))
}

// Queued is how much a source has read that is not decoded yet.
type Queued struct{ Packets, Bytes int }

// Queued may be called from any goroutine.
func (s *Source) Queued() Queued {
	var all Queued
	for _, f := range s.feeds {
		q := f.queue.waiting()
		all.Packets += q.packets
		all.Bytes += q.bytes
	}
	return all
}

// readEnded decides what a failed read means. The codes of FFmpeg do not tell a
// stall from other failures, so the deadline is asked itself.
func (s *Source) readEnded(rc, failed int) (bool, error) {
	select {
	case <-s.closing:
		return true, ErrClosed
	default:
	}
	if err := s.gate.refusal(); err != nil {
		return true, err
	}
	switch {
	case s.in.timedOut():
		s.waitingSince.Store(time.Now().Add(-s.options.StallTimeout).UnixNano())
		return true, fmt.Errorf("%w (%v): the sender stopped, or the network is down; check the address, or raise the stall timeout", ErrStalled, s.options.StallTimeout)
	case rc == rcEOF:
		return true, nil
	case s.isDamage(rc):
		s.line.lost()
		if failed == 1 && rc != rcAgain {
			s.line.spoil()
		}
		return failed >= unreadable, nil
	case s.distrust() != nil: // what a playlist named later
		return true, s.distrust()
	default:
		return true, fmt.Errorf("the connection or the disk failed: %w", astiav.Error(rc))
	}
}

// isDamage tells whether a failed read is due to what was read: the demuxer may
// find something it understands further on. Sizes that damage made absurd end as
// ENOMEM or EINVAL.
func (s *Source) isDamage(rc int) bool {
	switch rc {
	case rcAgain, rcInvalid, rcMemory, rcArgument, rcMissing:
		return true
	}
	return s.local && rc != rcIO
}

// discardSkipped spares the demuxer the tracks that nobody wants any more.
func (s *Source) discardSkipped() {
	for _, f := range s.feeds {
		if f.dropped {
			continue
		}
		if _, _, skipped := f.queue.state(); skipped {
			f.dropped = true
			f.stream.SetDiscard(astiav.DiscardAll)
		}
	}
}

// push queues a packet, waiting for room. It is false when the source closes.
func (s *Source) push(f *feed, p packet) bool {
	for {
		_, read, skipped := f.queue.state()
		// A track that is being read makes room by itself, so that those that hunger
		// only wait for it: they stay near it in time. One that is not read must not
		// dam the others.
		if f.queue.has(soft) || !read && s.othersHunger(f) && s.hasRoom(f) {
			f.queue.push(p)
			return true
		}
		if skipped {
			s.packets.put(p.av)
			return true
		}
		select {
		case <-s.changed:
		case <-s.closing:
			return false
		}
	}
}

// othersHunger tells whether the reader of another track waits for packets.
func (s *Source) othersHunger(f *feed) bool {
	for _, o := range s.feeds {
		if o == f {
			continue
		}
		if hungry, _, skipped := o.queue.state(); hungry && !skipped {
			return true
		}
	}
	return false
}

// hasRoom tells whether the queue may grow beyond its soft limit. A track that
// was never read until it is full while others wait is given up.
func (s *Source) hasRoom(f *feed) bool {
	if f.queue.has(hard) {
		return true
	}
	if _, read, _ := f.queue.state(); !read {
		s.log.Warn("a track that nobody reads is given up", "source", s.name, "track", f.stream.Index())
		s.skip(f.queue, ErrNotWanted)
	}
	return false
}
