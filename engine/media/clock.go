package media

import "time"

// clock puts the frames of one track on the timeline of its source, in the order
// in which they are shown.
type clock struct {
	line    *timeline
	epoch   int
	base    time.Duration
	shift   time.Duration // own correction: timestamps of shown frames that jumped while those of decoding did not
	started bool
	last    time.Duration // PTS of the frame before
	end     time.Duration // its end
}

func newClock(line *timeline) clock { return clock{line: line, epoch: -1} }

// arrive translates a timestamp of the container. jump is how far the timestamps
// stepped before it. ok is false where there is no timestamp.
func (c *clock) arrive(epoch int, at time.Duration) (t, jump time.Duration, ok bool) {
	if epoch != c.epoch {
		if c.started {
			jump = c.line.jumped(c.epoch, epoch)
			c.shift = 0
		}
		c.epoch, c.base = epoch, c.line.base(epoch)
	}
	if at == noTime {
		return 0, jump, false
	}
	return at - c.base - c.shift, jump, true
}

// stepBackShown is how far shown timestamps may go back before they count as a
// jump of their own; less is squeezed in after the frame before.
const stepBackShown = 500 * time.Millisecond

// settle keeps PTS strictly increasing.
func (c *clock) settle(t, jump time.Duration) (time.Duration, time.Duration) {
	switch {
	case !c.started:
		t = max(t, 0)
	case t < c.last-stepBackShown:
		if jump == 0 {
			jump = t - c.end
		}
		c.shift += t - c.end
		t = max(c.end, c.last+1)
	case t <= c.last:
		t = c.last + time.Microsecond
	}
	c.started = true
	c.last = t
	return t, jump
}

// shortestPicture: less is no duration but a time base in the wrong place.
const shortestPicture = time.Millisecond

// pictureClock is the clock of a picture track.
type pictureClock struct {
	clock
	pace
}

// place gives the PTS, the duration, the hole before the picture and the jump.
// suspicious says that packets nearby were damaged or missing.
func (c *pictureClock) place(epoch int, at, declared time.Duration, suspicious bool) (pts, duration, gap, jump time.Duration) {
	t, jump, ok := c.arrive(epoch, at)
	if !ok && c.started {
		t = c.last + c.nominal // raw bitstreams: their declared durations mean nothing either
	}
	if c.started && ok && jump == 0 && t > c.last {
		step := t - c.last
		gap = c.gap(step, suspicious)
		c.add(step)
	}
	pts, jump = c.settle(t, jump)
	duration = declared
	if !ok || duration < shortestPicture {
		duration = c.nominal
	}
	c.end = pts + duration
	return pts, duration, gap, jump
}

// gap is what is missing in a step between two pictures. Where pictures come at
// no regular distance a long one means nothing.
func (c *pictureClock) gap(step time.Duration, suspicious bool) time.Duration {
	if step <= c.nominal+c.nominal/2+2*time.Millisecond {
		return 0
	}
	var holds bool
	switch {
	case suspicious:
		holds = c.regularity() >= 0.5
	case c.line.exact: // the long step is declared
	case c.line.mayJump: // broadcast: constant rates
		holds = c.regularity() >= 0.75
	default: // a recorder may leave pictures out on purpose: it must have been regular all the time
		holds = c.always()
	}
	if !holds {
		return 0
	}
	return step - c.nominal
}

// soundClock is the clock of a sound track.
type soundClock struct {
	clock
	// tolerance is how far off a block's timestamp may be in a file that is in order.
	tolerance time.Duration
}

// soundTolerance of a codec. Live encoders stamp sound some milliseconds off;
// Vorbis has blocks of two lengths, and their timestamps waver by a quarter of
// the difference (10 ms at 44.1 kHz).
func soundTolerance(codec string) time.Duration {
	if codec == "vorbis" {
		return 40 * time.Millisecond
	}
	return 15 * time.Millisecond
}

// place gives the PTS of a block of that duration, the hole before it and the jump.
func (c *soundClock) place(epoch int, at, duration time.Duration) (pts, gap, jump time.Duration) {
	t, jump, ok := c.arrive(epoch, at)
	if !ok {
		t = c.end
	}
	// A lost packet leaves a hole of a whole block.
	if hole := t - c.end; c.started && jump == 0 && hole > max(c.tolerance, duration/2) {
		gap = hole
	}
	pts, jump = c.settle(t, jump)
	c.end = pts + duration
	return pts, gap, jump
}
