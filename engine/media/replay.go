package media

import "time"

const (
	// keptPackets and keptBytes bound what is kept of a track on NVDEC, so that
	// software can take over without the loss of a picture.
	keptPackets = 600
	keptBytes   = 16 << 20
	// heldBack is more packets than a decoder takes in before it gives the picture of
	// the first of them.
	heldBack = 64
)

// replay holds the packets that were sent to a decoder, from the keyframe on that
// its next picture goes back to.
type replay struct {
	pool  *packetPool
	sent  []sentPacket // of consecutive numbers
	bytes int
	next  int     // of sent, to be sent again
	told  int64   // up to this number the evidence went out with pictures
	last  instant // of the picture that came out last
}

// instant is a timestamp of the container.
type instant struct {
	epoch int
	at    time.Duration
}

type sentPacket struct {
	packet
	number int64
	given  int  // pictures that came out of it
	failed bool // NVDEC did not decode it
}

func newReplay(pool *packetPool) replay {
	return replay{pool: pool, told: -1, last: instant{at: noTime}}
}

// keep takes in a packet that is about to be sent, and gives up what is not needed
// any more. It is false where the packet is not kept: there was too much since the
// last keyframe.
func (r *replay) keep(p packet, number int64) bool {
	if p.key {
		r.trim(number)
	}
	for len(r.sent) > 0 && (len(r.sent) >= keptPackets || r.bytes+p.size > keptBytes) {
		r.drop(r.group(0))
	}
	if len(r.sent) == 0 && !p.key && number > 0 {
		return false
	}
	r.sent = append(r.sent, sentPacket{packet: p, number: number})
	r.bytes += p.size
	return true
}

// trim gives up the groups of pictures that all came out, but for the last of them:
// the first pictures of the next one may refer to it. A keyframe with that number is
// about to be sent.
func (r *replay) trim(number int64) {
	out := 0
	for out < len(r.sent) && (r.sent[out].given > 0 || r.sent[out].number <= number-heldBack) {
		out++
	}
	for first := r.group(0); first < len(r.sent) && r.group(first) <= out; first = r.group(0) {
		r.drop(first)
		out -= first
	}
}

// group is where the group of pictures ends that sent[first] is in.
func (r *replay) group(first int) int {
	end := first + 1
	for end < len(r.sent) && !r.sent[end].key {
		end++
	}
	return end
}

// drop gives up the first n packets.
func (r *replay) drop(n int) {
	for _, p := range r.sent[:n] {
		r.bytes -= p.size
		r.pool.put(p.av)
	}
	r.sent = append(r.sent[:0], r.sent[n:]...)
}

// fail notes that NVDEC did not decode a packet.
func (r *replay) fail(number int64) {
	if i := r.find(number); i >= 0 {
		r.sent[i].failed = true
	}
}

// give notes that a picture of a packet came out of NVDEC; it is false where NVDEC
// failed at it, and the picture holds whatever was in its memory.
func (r *replay) give(number int64, at instant) bool {
	i := r.find(number)
	if i >= 0 && r.sent[i].failed {
		return false
	}
	r.told, r.last = max(r.told, number), at
	if i >= 0 {
		r.sent[i].given++
	}
	return true
}

// rewind lets again begin; false where nothing is kept.
func (r *replay) rewind() bool {
	r.next = 0
	return len(r.sent) > 0
}

// again is the next packet for the decoder that takes over.
func (r *replay) again() (sentPacket, bool) {
	if r.next == len(r.sent) {
		return sentPacket{}, false
	}
	r.next++
	return r.sent[r.next-1], true
}

// repeated tells whether a picture of the decoder that took over came out before,
// or should have. The packets are given up once the first picture beyond them comes.
func (r *replay) repeated(number int64, at instant) bool {
	if len(r.sent) == 0 {
		return false
	}
	i := r.find(number)
	if i < 0 {
		if r.next == len(r.sent) {
			r.clear()
		}
		return false
	}
	if r.told < r.sent[0].number { // none of them
		return false
	}
	if at.epoch == r.last.epoch && at.at != noTime && r.last.at != noTime {
		return at.at <= r.last.at
	}
	if r.sent[i].given > 0 {
		r.sent[i].given--
		return true
	}
	return false
}

func (r *replay) find(number int64) int {
	if len(r.sent) == 0 || number < r.sent[0].number || number > r.sent[len(r.sent)-1].number {
		return -1
	}
	return int(number - r.sent[0].number)
}

func (r *replay) clear() {
	r.drop(len(r.sent))
	r.sent, r.next = nil, 0
}
