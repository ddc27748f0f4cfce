package media

import (
	"context"
	"io"
	"sync"
	"time"

	astiav "github.com/asticode/go-astiav"
)

// limits bound a queue of packets; whichever is met first counts.
type limits struct {
	packets int
	bytes   int
	length  time.Duration
}

var (
	// soft is where the reader waits.
	soft = limits{512, 16 << 20, 3 * time.Second}
	// hard is how far it goes on for a track that nobody reads, while another one
	// starves.
	hard = limits{8192, 128 << 20, 2 * time.Minute}
)

// packet is a compressed packet on its way to the decoder.
type packet struct {
	av       *astiav.Packet
	size     int
	duration time.Duration
	key      bool
	mark     mark
}

// queue carries packets of one track from the reading goroutine to the one that
// calls Next. One side pushes, the other pops.
type queue struct {
	more    chan struct{}   // cap 1: a packet was pushed, or the end
	changed chan<- struct{} // cap 1: tells the reader that there is room, or hunger
	closed  <-chan struct{} // the source is closing
	mu      sync.Mutex
	ring    []packet // len is a power of 2
	head, n int
	held    limits // what is in the ring
	read    bool   // a reader came at least once
	hungry  bool   // a reader waits
	skipped bool   // nobody wants what comes
	ended   bool
	err     error // at the end; nil for io.EOF
}

func newQueue(changed chan<- struct{}, closed <-chan struct{}) *queue {
	return &queue{more: make(chan struct{}, 1), changed: changed, closed: closed, ring: make([]packet, 64)}
}

func poke(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// has tells whether the queue may take another packet within l. Two are always allowed.
func (q *queue) has(l limits) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.n < 2 || q.held.packets < l.packets && q.held.bytes < l.bytes && q.held.length < l.length
}

func (q *queue) push(p packet) {
	q.mu.Lock()
	if q.n == len(q.ring) {
		q.grow()
	}
	q.ring[(q.head+q.n)&(len(q.ring)-1)] = p
	q.n++
	q.held.packets++
	q.held.bytes += p.size
	q.held.length += p.duration
	q.mu.Unlock()
	poke(q.more)
}

func (q *queue) grow() {
	ring := make([]packet, 2*len(q.ring))
	for i := range q.n {
		ring[i] = q.ring[(q.head+i)&(len(q.ring)-1)]
	}
	q.ring, q.head = ring, 0
}

// end says that no more packets come. The first end counts.
func (q *queue) end(err error) {
	q.mu.Lock()
	if !q.ended {
		q.ended, q.err = true, err
	}
	q.mu.Unlock()
	poke(q.more)
}

// pop waits for the next packet. After the last one it gives io.EOF, or the
// error that ended the reading.
func (q *queue) pop(ctx context.Context) (packet, error) {
	for {
		p, err, ok := q.take()
		if ok {
			return p, err
		}
		poke(q.changed) // hungry: the reader may have to go beyond another track's soft limit
		select {
		case <-q.more:
		case <-ctx.Done():
			q.mu.Lock()
			q.hungry = false
			q.mu.Unlock()
			return packet{}, ctx.Err()
		case <-q.closed:
			return packet{}, ErrClosed
		}
	}
}

// take is pop without waiting.
func (q *queue) take() (p packet, err error, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.read = true
	q.hungry = false
	if q.n > 0 {
		p = q.ring[q.head]
		q.ring[q.head] = packet{}
		q.head = (q.head + 1) & (len(q.ring) - 1)
		q.n--
		q.held.packets--
		q.held.bytes -= p.size
		q.held.length -= p.duration
		poke(q.changed)
		return p, nil, true
	}
	if q.ended {
		if q.err != nil {
			return p, q.err, true
		}
		return p, io.EOF, true
	}
	q.hungry = true
	return p, nil, false
}

// skip gives the track up: what lies in the queue and what comes is not wanted.
// It returns the packets that were in it.
func (q *queue) skip(err error) (left []packet) {
	q.mu.Lock()
	for ; q.n > 0; q.n-- {
		left = append(left, q.ring[q.head])
		q.ring[q.head] = packet{}
		q.head = (q.head + 1) & (len(q.ring) - 1)
	}
	q.held = limits{}
	q.skipped = true
	if !q.ended {
		q.ended, q.err = true, err
	}
	q.mu.Unlock()
	poke(q.more)
	poke(q.changed)
	return left
}

func (q *queue) state() (hungry, read, skipped bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.hungry && q.n == 0 && !q.ended, q.read, q.skipped
}

// waiting is how much is in it.
func (q *queue) waiting() limits {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.held
}

// failure is the error that ended the reading, nil for none or the regular end.
func (q *queue) failure() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.err
}
