package media

import (
	"testing"
	"time"
)

const ms = time.Millisecond

// tracks 0 (picture, 40 ms) and 1 (sound, 20 ms) of a file that is in order.
func twoTracks(mayJump bool, end time.Duration) *timeline {
	return newTimeline(10*time.Second, []time.Duration{end, end}, []bool{true, false}, mayJump)
}

// feedBoth observes both tracks, interleaved, over [from, to) of the container's
// time and gives the last marks.
func feedBoth(t *timeline, from, to time.Duration) (v, a mark) {
	for at := from; at < to; at += 40 * ms {
		v = t.observe(0, packetInfo{pts: at, dts: at, duration: 40 * ms})
		for k := range time.Duration(2) {
			s := at + k*20*ms
			a = t.observe(1, packetInfo{pts: s, dts: s, duration: 20 * ms})
		}
	}
	return v, a
}

func TestTimelineInOrder(t *testing.T) {
	line := twoTracks(true, noTime)
	v, a := feedBoth(line, 10*time.Second, 20*time.Second)
	if v != (mark{}) || a != (mark{}) {
		t.Errorf("marks %+v and %+v in a file that is in order", v, a)
	}
	if got := line.base(0); got != 10*time.Second {
		t.Errorf("zero at %v, want 10 s", got)
	}
}

// A jump of all tracks is one epoch, and keeps the distance of sound and picture.
func TestTimelineJumpOfAll(t *testing.T) {
	for _, by := range []time.Duration{5000 * time.Second, -8 * time.Second, 3 * time.Second} {
		line := twoTracks(true, noTime)
		feedBoth(line, 10*time.Second, 20*time.Second)
		// The sound of the old part is 100 ms longer than the picture.
		for at := 20 * time.Second; at < 20*time.Second+100*ms; at += 20 * ms {
			line.observe(1, packetInfo{pts: at, dts: at, duration: 20 * ms})
		}
		v, a := feedBoth(line, 20*time.Second+by, 25*time.Second+by)
		if v.epoch != 1 || a.epoch != 1 {
			t.Fatalf("by %v: epochs %d and %d, want 1", by, v.epoch, a.epoch)
		}
		// The new part starts where the longer of both ended: 10.1 s.
		if got, want := line.base(1), 20*time.Second+by-10100*ms; got != want {
			t.Errorf("by %v: base %v, want %v", by, got, want)
		}
		if got, want := line.jumped(0, 1), by-100*ms; got != want {
			t.Errorf("by %v: jumped by %v, want %v", by, got, want)
		}
	}
}

// Where the tracks jump at different places of the file, they still share the epoch.
func TestTimelineJumpSeenLater(t *testing.T) {
	line := twoTracks(true, noTime)
	feedBoth(line, 10*time.Second, 20*time.Second)
	var v, a mark
	for at := 20 * time.Second; at < 21*time.Second; at += 40 * ms {
		v = line.observe(0, packetInfo{pts: at + time.Hour, dts: at + time.Hour, duration: 40 * ms})
	}
	for at := 20 * time.Second; at < 20*time.Second+500*ms; at += 20 * ms { // sound of the old part
		a = line.observe(1, packetInfo{pts: at, dts: at, duration: 20 * ms})
	}
	if v.epoch != 1 || a.epoch != 0 {
		t.Fatalf("epochs %d and %d, want 1 and 0", v.epoch, a.epoch)
	}
	a = line.observe(1, packetInfo{pts: 20*time.Second + time.Hour, dts: 20*time.Second + time.Hour, duration: 20 * ms})
	if a.epoch != 1 {
		t.Errorf("sound went to epoch %d, want 1", a.epoch)
	}
}

// A hole in one track alone moves nothing.
func TestTimelineHole(t *testing.T) {
	line := twoTracks(true, noTime)
	line.exact = true
	feedBoth(line, 10*time.Second, 20*time.Second)
	for at := 20 * time.Second; at < 30*time.Second; at += 40 * ms {
		line.observe(0, packetInfo{pts: at, dts: at, duration: 40 * ms})
	}
	a := line.observe(1, packetInfo{pts: 30 * time.Second, dts: 30 * time.Second, duration: 20 * ms})
	if a.epoch != 0 || a.holes != 1 {
		t.Errorf("mark %+v, want epoch 0 and one hole", a)
	}
}

// What could not be read is a hole as far as the file seems to reach.
func TestTimelineHoleOfDamage(t *testing.T) {
	for _, c := range []struct {
		reach time.Duration
		lost  bool
		epoch int
	}{{time.Hour, true, 0}, {time.Hour, false, 1}, {30 * time.Second, true, 1}, {noTime, true, 1}} {
		line := twoTracks(true, noTime)
		line.reach = c.reach
		feedBoth(line, 10*time.Second, 20*time.Second)
		if c.lost {
			line.lost()
			feedBoth(line, 20*time.Second, 20*time.Second+80*ms) // begun before the damage
		}
		if v, a := feedBoth(line, 1000*time.Second, 1001*time.Second); v.epoch != c.epoch || a.epoch != c.epoch {
			t.Errorf("%+v: picture in epoch %d, sound in %d", c, v.epoch, a.epoch)
		}
		if v, _ := feedBoth(line, 3000*time.Second, 3001*time.Second); v.epoch != c.epoch+1 {
			t.Errorf("%+v: a jump later on is in epoch %d", c, v.epoch)
		}
	}
}

// A file with a declared length may have holes in all its tracks.
func TestTimelineHoleInFile(t *testing.T) {
	line := twoTracks(false, 60*time.Second)
	line.exact = true
	feedBoth(line, 10*time.Second, 20*time.Second)
	if v, _ := feedBoth(line, 40*time.Second, 41*time.Second); v.epoch != 0 || v.holes != 1 {
		t.Errorf("mark %+v, want epoch 0 and one hole", v)
	}
	if v, _ := feedBoth(line, 5000*time.Second, 5001*time.Second); v.epoch != 1 {
		t.Errorf("beyond the declared end: epoch %d, want 1", v.epoch)
	}
}

// One packet with a foreign timestamp does not move what follows.
func TestTimelineStray(t *testing.T) {
	line := twoTracks(true, noTime)
	feedBoth(line, 10*time.Second, 20*time.Second)
	stray := line.observe(0, packetInfo{pts: time.Hour, dts: time.Hour, duration: 40 * ms})
	after := line.observe(0, packetInfo{pts: 20*time.Second + 40*ms, dts: 20*time.Second + 40*ms, duration: 40 * ms})
	if stray.epoch != 1 || after.epoch != 0 {
		t.Errorf("epochs %d and %d, want 1 and 0", stray.epoch, after.epoch)
	}
}

// A loop of seconds: epochs come and go, the time goes on.
func TestTimelineLoops(t *testing.T) {
	line := twoTracks(true, noTime)
	const rounds = 3 * epochsKept
	c := newClock(line)
	for i := range rounds {
		v, _ := feedBoth(line, 10*time.Second, 14*time.Second)
		if v.epoch != i {
			t.Fatalf("round %d: epoch %d", i, v.epoch)
		}
		got, _, _ := c.arrive(v.epoch, 10*time.Second)
		if want := time.Duration(i) * 4 * time.Second; got != want {
			t.Fatalf("round %d begins at %v, want %v", i, got, want)
		}
	}
	if n := len(line.epochs); n > epochsKept {
		t.Errorf("%d epochs kept, want %d at most", n, epochsKept)
	}
}

// Timestamps modulo a wrap: the jump is told the short way round.
func TestTimelineWrap(t *testing.T) {
	line := twoTracks(true, noTime)
	line.wrap = 95443717688888 // 2^33 / 90 kHz
	feedBoth(line, 10*time.Second, 20*time.Second)
	v, _ := feedBoth(line, 16*time.Second+line.wrap, 18*time.Second+line.wrap)
	if got := line.jumped(0, v.epoch); got != -4*time.Second {
		t.Errorf("jumped by %v, want -4 s", got)
	}
}

// Slides: one picture every ten seconds is no jump.
func TestTimelineSlides(t *testing.T) {
	line := newTimeline(0, []time.Duration{noTime}, []bool{true}, true)
	for i := range time.Duration(20) {
		at := i * 10 * time.Second
		if m := line.observe(0, packetInfo{pts: at, dts: at, duration: 10 * time.Second}); m != (mark{}) {
			t.Fatalf("slide %d: %+v", i, m)
		}
	}
}

func TestTimelineMissing(t *testing.T) {
	line := twoTracks(false, 30*time.Second)
	feedBoth(line, 10*time.Second, 20*time.Second)
	if got := line.missing(0, 10*time.Second); got != 10*time.Second {
		t.Errorf("missing %v, want 10 s", got)
	}
	if got := line.missing(0, 19900*ms); got != 0 {
		t.Errorf("missing %v of a tail that is there", got)
	}
	line = twoTracks(false, noTime) // only the length of the longest is declared
	line.whole = 30 * time.Second
	feedBoth(line, 10*time.Second, 20*time.Second)
	if got := line.missing(0, 10*time.Second); got != 10*time.Second {
		t.Errorf("missing %v, want 10 s", got)
	}
	line.observe(1, packetInfo{pts: 29980 * ms, dts: 29980 * ms, duration: 20 * ms})
	if got := line.missing(0, 10*time.Second); got != 0 {
		t.Errorf("missing %v of the shorter track", got)
	}
}

// pictures places pictures by their timestamps and gives what is said of each.
func pictures(c *pictureClock, at []time.Duration, suspicious bool) (pts, gaps []time.Duration) {
	for _, a := range at {
		p, _, gap, _ := c.place(0, a, 0, suspicious)
		pts, gaps = append(pts, p), append(gaps, gap)
	}
	return pts, gaps
}

func testClock(mayJump bool) *pictureClock {
	line := newTimeline(0, []time.Duration{noTime}, []bool{true}, mayJump)
	return &pictureClock{clock: newClock(line), pace: pace{nominal: 40 * ms}}
}

func TestGaps(t *testing.T) {
	regular := func(n int) (at []time.Duration) {
		for i := range n {
			at = append(at, time.Duration(i)*40*ms)
		}
		return at
	}
	vfr := func() (at []time.Duration) { // a screen recording
		now := time.Duration(0)
		for i := range 60 {
			at = append(at, now)
			now += []time.Duration{17, 17, 33, 500, 17, 50, 17, 1500}[i%8] * ms
		}
		return at
	}
	rounded := func() (at []time.Duration) { // 29.97 a second in whole milliseconds
		for i := range 100 {
			at = append(at, (time.Duration(i) * 1001 * time.Second / 30000).Round(ms))
		}
		return at
	}
	for _, c := range []struct {
		name       string
		at         []time.Duration
		mayJump    bool
		declares   bool
		suspicious bool
		want       time.Duration // all gaps
	}{
		{name: "regular", at: regular(60)},
		{name: "rounded to ms", at: rounded()},
		{name: "variable", at: vfr()},
		{name: "variable in a transport stream", at: vfr(), mayJump: true},
		{name: "one lost", at: append(regular(40), 1640*ms, 1680*ms), mayJump: true, want: 40 * ms},
		{name: "ten lost", at: append(regular(40), 2000*ms, 2040*ms), mayJump: true, want: 400 * ms},
		{name: "ten lost by a recorder", at: append(regular(200), 8400*ms, 8440*ms), want: 400 * ms},
		{name: "long step of a declared duration", at: append(regular(40), 2000*ms), declares: true},
		{name: "long step after damage", at: append(regular(40), 2000*ms), declares: true, suspicious: true, want: 400 * ms},
		{name: "too early to tell", at: []time.Duration{0, 40 * ms, 400 * ms}},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := testClock(c.mayJump)
			k.line.exact = c.declares
			_, gaps := pictures(k, c.at, c.suspicious)
			var sum time.Duration
			for _, g := range gaps {
				sum += g
			}
			if sum != c.want {
				t.Errorf("gaps of %v, want %v", sum, c.want)
			}
		})
	}
}

func TestPTSOrder(t *testing.T) {
	for _, at := range [][]time.Duration{
		{0, 40 * ms, 30 * ms, 120 * ms},                   // a little back
		{0, 40 * ms, noTime, 120 * ms},                    // none
		{noTime, noTime, noTime},                          // none at all
		{0, 5 * time.Second, 80 * ms, 120 * ms, 160 * ms}, // far back
		{-100 * ms, -60 * ms, 0, 40 * ms},                 // before the start
	} {
		pts, _ := pictures(testClock(true), at, false)
		for i := 1; i < len(pts); i++ {
			if pts[i] <= pts[i-1] {
				t.Errorf("%v gives %v", at, pts)
			}
		}
	}
	pts, _ := pictures(testClock(true), []time.Duration{0, 40 * ms, noTime, 120 * ms}, false)
	if pts[2] != 80*ms {
		t.Errorf("a missing timestamp gives %v, want 80 ms", pts[2])
	}
}

// Matroska gives the first packets no decoding timestamps; at a low rate the first
// one lies far behind the PTS that stood in for it.
func TestTimelineFirstWithoutDTS(t *testing.T) {
	line := newTimeline(0, []time.Duration{noTime}, []bool{true}, false)
	const d = 66 * ms
	for i, p := range []packetInfo{
		{pts: 0, dts: noTime}, {pts: 4 * d, dts: noTime}, {pts: 2 * d, dts: noTime}, {pts: d, dts: noTime},
		{pts: 8 * d, dts: 0}, {pts: 6 * d, dts: d}, {pts: 5 * d, dts: 2 * d},
	} {
		p.duration = d
		if m := line.observe(0, p); m.epoch != 0 {
			t.Fatalf("packet %d began epoch %d", i, m.epoch)
		}
	}
}

// Raw bitstreams have no timestamps, and durations of one tick: the nominal rate holds.
func TestClockWithoutTimestamps(t *testing.T) {
	c := testClock(false)
	for i := range time.Duration(100) {
		pts, duration, gap, jump := c.place(0, noTime, 833, false)
		if pts != i*40*ms || duration != 40*ms || gap != 0 || jump != 0 {
			t.Fatalf("picture %d: %v for %v, gap %v, jump %v", i, pts, duration, gap, jump)
		}
	}
}
