package media

import (
	"testing"
	"time"

	astiav "github.com/asticode/go-astiav"
)

// feedReplay keeps packets, one a letter: K is a keyframe.
func feedReplay(r *replay, first int64, packets string, size int) {
	for i, c := range packets {
		r.keep(packet{av: astiav.AllocPacket(), size: size, key: c == 'K'}, first+int64(i))
	}
}

func (r *replay) numbers() (n []int64) {
	for _, p := range r.sent {
		n = append(n, p.number)
	}
	return n
}

func at(ms int) instant { return instant{0, time.Duration(ms) * time.Millisecond} }

// What no picture needs any more is given up at keyframes; the rest stays, from a
// keyframe on, and the group before it.
func TestReplayKeeps(t *testing.T) {
	for _, c := range []struct {
		name        string
		packets     string
		given       []int64 // before the last packet, which is a keyframe
		first, kept int64
	}{
		{"nothing came out", "KppKppK", nil, 0, 7},
		{"the first group came out", "KppKppK", []int64{0, 1, 2, 3}, 0, 7},
		{"two groups came out", "KppKppK", []int64{0, 1, 2, 3, 4, 5}, 3, 4},
		{"one is held back", "KppKppK", []int64{0, 2, 3, 4, 5}, 0, 7},
		{"a start without a keyframe", "ppKppKppK", []int64{0, 1, 2, 3, 4, 5}, 2, 7},
		{"keyframes alone", "KKKKK", []int64{0, 1, 2}, 2, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			pool := &packetPool{}
			r := newReplay(pool)
			last := int64(len(c.packets) - 1)
			feedReplay(&r, 0, c.packets[:last], 10)
			for _, n := range c.given {
				r.give(n, at(int(n)))
			}
			feedReplay(&r, last, "K", 10)
			if n := r.numbers(); int64(len(n)) != c.kept || n[0] != c.first || r.bytes != 10*len(n) {
				t.Errorf("kept %v, %d bytes; want %d from %d on", n, r.bytes, c.kept, c.first)
			}
			r.clear()
			if len(pool.spare) != len(c.packets) {
				t.Errorf("%d of %d packets came back", len(pool.spare), len(c.packets))
			}
			pool.close()
		})
	}
}

// There is a bound, and a fresh start at the next keyframe.
func TestReplayBounds(t *testing.T) {
	for name, size := range map[string]int{"packets": 1, "bytes": keptBytes / 4} {
		pool := &packetPool{}
		r := newReplay(pool)
		feedReplay(&r, 0, "KppK", size) // the second keyframe alone is left when it is too much
		for n := int64(4); len(r.sent) > 0; n++ {
			if n > keptPackets+4 {
				t.Fatalf("%s: %d packets of %d bytes are kept", name, len(r.sent), r.bytes)
			}
			if first := r.sent[0].number; first != 0 && first != 3 || len(r.sent) > keptPackets || r.bytes > keptBytes {
				t.Fatalf("%s: %d packets of %d bytes are kept, from %d on", name, len(r.sent), r.bytes, first)
			}
			p := packet{av: astiav.AllocPacket(), size: size}
			if !r.keep(p, n) {
				pool.put(p.av)
			}
		}
		if r.bytes != 0 || r.rewind() {
			t.Errorf("%s: %d bytes of nothing", name, r.bytes)
		}
		feedReplay(&r, keptPackets+10, "Kp", size)
		if len(r.sent) != 2 || !r.rewind() {
			t.Errorf("%s: %d packets from the next keyframe on, want 2", name, len(r.sent))
		}
		r.clear()
		pool.close()
	}
}

// The decoder that takes over gives again what came out before: by time, or where
// there is none, by packet. What NVDEC failed at is not given out.
func TestReplayRepeats(t *testing.T) {
	pool := &packetPool{}
	r := newReplay(pool)
	feedReplay(&r, 0, "Kpppp", 10)
	if !r.give(0, at(0)) || !r.give(2, at(40)) {
		t.Error("pictures that NVDEC decoded are not given out")
	}
	r.fail(1)
	if r.give(1, at(80)) {
		t.Error("a picture that NVDEC failed at is given out")
	}
	r.rewind()
	for n := range int64(5) {
		if p, ok := r.again(); !ok || p.number != n {
			t.Fatalf("packet %d (%v), want %d", p.number, ok, n)
		}
	}
	if _, ok := r.again(); ok {
		t.Fatal("a packet behind the last one")
	}
	for _, c := range []struct {
		number int64
		at     instant
		want   bool
	}{
		{0, at(0), true}, {2, at(40), true}, {1, at(80), false},
		{2, instant{1, 0}, true},       // after a jump time says nothing, but this packet's picture came out
		{2, instant{1, 0}, false},      // once
		{3, instant{0, noTime}, false}, // no time
	} {
		if got := r.repeated(c.number, c.at); got != c.want {
			t.Errorf("packet %d at %v: repeated %v, want %v", c.number, c.at, got, c.want)
		}
	}
	if r.repeated(5, at(200)) || len(r.sent) != 0 {
		t.Error("the packets are kept beyond their last picture")
	}
	pool.close()
}
