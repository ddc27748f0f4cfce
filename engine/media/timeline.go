package media

import (
	"sync"
	"time"
)

const (
	// stepBack is how far timestamps may go back in the order of decoding before
	// that counts as a jump; less is careless muxing.
	stepBack = 250 * time.Millisecond
	// picturesHeldBack is how many pictures may be decoded before the one that is
	// shown first (16 in H.264 and HEVC).
	picturesHeldBack = 16
	// stepAhead is how far beyond the usual step they may go.
	stepAhead = 2 * time.Second
	// together is how close in time the packets of different tracks lie in a file.
	together = 5 * time.Second
	// strayPackets is how many packets with foreign timestamps may come before
	// the old ones go on.
	strayPackets = 8
	epochsKept   = 32
	// farSide is how many packets after a failed read tell where it went on; the
	// demuxer gives those first that it had begun before.
	farSide = 64
)

// timeline maps the timestamps of the container to a continuous time that all
// tracks share and that begins with the source.
//
// Timestamps that jump begin a new epoch. The reader assigns epochs, packet by
// packet in the order of the file, so a jump that hits all tracks (a spliced
// transport stream) is one epoch for all, and a hole in a single track is none.
// Where an epoch lies on the timeline is decided when its first frame is
// decoded: as early as every track's end in the epochs before allows. Sound and
// picture thus keep their distance.
type timeline struct {
	mayJump bool          // the format allows jumps in a file that is in order
	exact   bool          // the format gives every packet the duration that it really has
	wrap    time.Duration // timestamps are modulo this; 0: they are not
	// end is the declared end of each track as a timestamp of the container; noTime
	// where not declared. whole is that of the longest of them, where the container
	// says no more.
	end     []time.Duration
	whole   time.Duration
	picture []bool // which tracks are pictures
	// reach is where the file seems to end, as a timestamp; noTime where that is not known.
	reach time.Duration

	mu      sync.Mutex
	damaged int     // packets that may still come from the far side of damage
	partial bool    // some tracks are not read, so the end of the longest is not seen
	epochs  []epoch // the last epochsKept
	first   int     // number of epochs[0]
	tracks  []trackTime
}

// epoch is a run of timestamps that belong together.
type epoch struct {
	base   time.Duration // timestamp at timeline zero
	placed bool          // base is decided
	spans  []span        // a track
}

// span is what one track has in one epoch, as timestamps.
type span struct {
	start, end time.Duration
	any        bool
}

// trackTime is where the reader is in one track.
type trackTime struct {
	seen     bool
	epoch    int
	last     time.Duration // decoding timestamp of the last packet, its PTS where it has none
	decoding bool          // last is a decoding timestamp
	duration time.Duration // declared, of the last packet
	usual    time.Duration // step, a running mean
	count    int           // packets in this epoch
	corrupt  int
	holes    int

	before struct { // the epoch that was left last, for stray packets
		epoch int
		last  time.Duration
	}
}

// newTimeline begins at the timestamp zero, or with the first picture where that
// comes earlier. ends are the declared ends of the tracks.
func newTimeline(zero time.Duration, ends []time.Duration, picture []bool, mayJump bool) *timeline {
	t := &timeline{mayJump: mayJump, end: ends, whole: noTime, reach: noTime, picture: picture, tracks: make([]trackTime, len(ends))}
	t.epochs = []epoch{{base: zero, spans: make([]span, len(ends))}}
	return t
}

// observe takes note of a packet and says what a frame out of it must know.
func (t *timeline) observe(track int, p packetInfo) mark {
	t.mu.Lock()
	defer t.mu.Unlock()
	k := &t.tracks[track]
	t.damaged = max(t.damaged-1, 0)
	if p.corrupt {
		k.corrupt++
	}
	at := p.dts
	if at == noTime {
		at = p.pts
	}
	if at != noTime {
		t.step(track, at, p.dts != noTime && k.decoding)
		k.last, k.duration, k.decoding = at, p.duration, p.dts != noTime
		k.count++
		shown := p.pts
		if shown == noTime {
			shown = at
		}
		if !p.discard {
			t.at(k.epoch).spans[track].add(shown, shown+p.duration)
		}
	}
	return mark{k.epoch, k.corrupt, k.holes}
}

func (s *span) add(start, end time.Duration) {
	if !s.any {
		*s = span{start, end, true}
		return
	}
	s.start, s.end = min(s.start, start), max(s.end, end)
}

// step moves a track to the timestamp at, into another epoch if need be. ordered
// says that both timestamps are those of decoding; others are out of order by as
// many pictures as a codec may hold back.
func (t *timeline) step(track int, at time.Duration, ordered bool) {
	k := &t.tracks[track]
	if !k.seen {
		k.seen = true
		k.epoch = t.nearest(track, at)
		return
	}
	step, back := at-k.last, stepBack
	if !ordered {
		back = max(back, picturesHeldBack*max(k.usual, k.duration))
	}
	switch {
	case step > -back && step <= stepAhead+4*max(k.usual, k.duration):
	case step > 0 && t.isHole(track, at):
	default:
		t.jump(track, at)
		return
	}
	if t.exact && k.duration > 0 && step > k.duration+k.duration/2 {
		k.holes++
	}
	k.usual += (max(step, 0) - k.usual) / 8
}

// isHole tells whether a large step ahead leaves the timeline as it is: packets
// of this track alone are missing, or the file says that it reaches so far, or
// seems to where a part of it could not be read.
func (t *timeline) isHole(track int, at time.Duration) bool {
	if end := max(t.end[track], t.whole); !t.mayJump && at <= end+stepAhead {
		return true
	}
	if t.damaged > 0 && at <= t.reach {
		return true // what could not be read took that time
	}
	k := &t.tracks[track]
	for i := range t.tracks {
		// The others went on meanwhile: they are nearer to the far side of the hole.
		if o := &t.tracks[i]; i != track && o.seen && o.epoch == k.epoch && near(o.last, at) && at-o.last < (at-k.last)/2 {
			return true
		}
	}
	return false
}

func near(a, b time.Duration) bool { return a-b <= together && b-a <= together }

// jump moves a track to the epoch that at belongs to.
func (t *timeline) jump(track int, at time.Duration) {
	k := &t.tracks[track]
	to := t.follow(track, at)
	if to < 0 && k.count <= strayPackets && k.before.epoch != k.epoch {
		if step := at - k.before.last; step > -stepBack && step <= together {
			to = k.before.epoch
		}
	}
	if to < 0 {
		to = t.add()
	}
	k.before.epoch, k.before.last = k.epoch, k.last
	k.epoch, k.count = to, 0
}

// follow looks for a later epoch that another track is in at this time already.
func (t *timeline) follow(track int, at time.Duration) int {
	for i := range t.tracks {
		if o := &t.tracks[i]; i != track && o.seen && o.epoch > t.tracks[track].epoch && near(o.last, at) {
			return o.epoch
		}
	}
	return -1
}

// nearest is the epoch of a track that begins at the timestamp at.
func (t *timeline) nearest(track int, at time.Duration) int {
	newest := t.first
	for i := range t.tracks {
		o := &t.tracks[i]
		if i == track || !o.seen {
			continue
		}
		if near(o.last, at) {
			return o.epoch
		}
		newest = max(newest, o.epoch)
	}
	return newest
}

func (t *timeline) add() int {
	if len(t.epochs) == epochsKept {
		t.place(t.first + 1)
		copy(t.epochs, t.epochs[1:])
		t.epochs = t.epochs[:epochsKept-1]
		t.first++
	}
	t.epochs = append(t.epochs, epoch{spans: make([]span, len(t.tracks))})
	return t.first + len(t.epochs) - 1
}

// at is the epoch with that number; one that was forgotten is taken for the oldest.
func (t *timeline) at(number int) *epoch { return &t.epochs[max(0, number-t.first)] }

// base is the timestamp of timeline zero in an epoch.
func (t *timeline) base(number int) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.place(number)
	return t.at(number).base
}

// place decides where the epochs up to number lie.
func (t *timeline) place(number int) {
	for i := 0; i <= number-t.first && i < len(t.epochs); i++ {
		e := &t.epochs[i]
		if e.placed {
			continue
		}
		e.placed = true
		if t.first+i == 0 {
			t.placeFirst(e)
			continue
		}
		e.base = t.epochs[i-1].base // an epoch that no track has reached yet
		decided := false
		for track, s := range e.spans {
			if !s.any {
				continue
			}
			if base := s.start - t.endBefore(track, i); !decided || base < e.base {
				e.base, decided = base, true
			}
		}
	}
}

// placeFirst moves the start back where pictures come before it: broadcasts that
// are joined in their middle begin with pictures that are shown before the first
// one in the file. (Sound before the start is the delay of a codec.)
func (t *timeline) placeFirst(e *epoch) {
	declared := e.base
	for i, s := range e.spans {
		if t.picture[i] && s.any && declared-s.start < stepAhead {
			e.base = min(e.base, s.start)
		}
	}
}

// endBefore is where a track ended on the timeline before epochs[i]; where it had
// nothing, where the last of the others ended.
func (t *timeline) endBefore(track, i int) time.Duration {
	var own, others time.Duration
	any := false
	for j := range t.epochs[:i] {
		e := &t.epochs[j]
		for u, s := range e.spans {
			switch end := s.end - e.base; {
			case !s.any:
			case u == track:
				own, any = max(own, end), true
			default:
				others = max(others, end)
			}
		}
	}
	if any {
		return own
	}
	return others
}

// jumped is how far the timestamps stepped between two epochs.
func (t *timeline) jumped(from, to int) time.Duration {
	by := t.base(to) - t.base(from)
	if w := t.wrap; w > 0 {
		by %= w
		if by > w/2 {
			by -= w
		} else if by < -w/2 {
			by += w
		}
	}
	return by
}

// leaveOut says that a track is not read any more.
func (t *timeline) leaveOut() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.partial = true
}

// lost notes that a part of the file could not be read.
func (t *timeline) lost() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.damaged = farSide
}

// spoil notes a packet that could not be read, of whatever track.
func (t *timeline) spoil() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range t.tracks {
		t.tracks[i].corrupt++
	}
}

func (t *timeline) corrupt(track int) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.tracks[track].corrupt
}

// missing is how much of the declared length is not there, given where the last
// frame ended; 0 where nothing is declared or the timestamps jumped.
func (t *timeline) missing(track int, lastEnd time.Duration) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.first > 0 || len(t.epochs) > 1 {
		return 0
	}
	e := &t.epochs[0]
	end := t.end[track]
	if end == noTime && t.whole != noTime && !t.partial {
		end = t.whole
		for _, s := range e.spans {
			if s.any && end-s.end < tailTolerance {
				return 0 // another track is as long as declared: this one may be shorter
			}
		}
	}
	if end == noTime || end-e.base-lastEnd < tailTolerance {
		return 0
	}
	return end - e.base - lastEnd
}

// tailTolerance is how much shorter than declared a track may be: durations are
// rounded, padding is trimmed, the last frame's duration is a guess.
const tailTolerance = 250 * time.Millisecond
