package journal

import (
	"math"
	"sort"
	"sync"
)

// tail is the newest part of the journal, decoded once and shared by every
// follower that keeps up. Its memory is bounded: what falls out at the front is
// on disk.
//
// It holds every record from first to next, without next. Followers see only
// those up to durable: an embedded server shows a record to its consumers a
// moment before the sync of its batch has ended.
type tail struct {
	maxRecords, maxBytes int

	mu      sync.RWMutex
	records []entry
	bytes   int
	first   uint64
	next    uint64
	durable uint64
	changed chan struct{} // closed, and replaced, when more can be seen
}

type entry struct {
	Record
	size int
}

func newTail(maxRecords, maxBytes int) *tail {
	return &tail{maxRecords: maxRecords, maxBytes: maxBytes, changed: make(chan struct{})}
}

// everything is what an external cluster has made durable: it shows nothing else.
const everything = math.MaxUint64 - 1

// resume makes the tail go on in a stream that ends at last, and says from which
// sequence on it wants records. What it holds stays, unless the stream has gone
// back, or so far ahead that followers had better read from disk.
func (t *tail) resume(last, durable uint64) (from uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.next == 0 || t.next > last+1 || last+1-t.next > uint64(t.maxRecords) {
		t.records, t.bytes = nil, 0
		t.first, t.next = last+1, last+1
	}
	t.durable = durable
	t.wake()
	return t.next
}

// add puts a record behind the others. One that was added before is left out. A
// hole before it sends followers that are not beyond it to the disk.
func (t *tail) add(r Record, size int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if r.Sequence < t.next {
		return
	}
	if r.Sequence > t.next {
		t.records, t.bytes = nil, 0
		t.first = r.Sequence
	}
	t.records = append(t.records, entry{r, size})
	t.bytes += size
	t.next = r.Sequence + 1
	for len(t.records) > 1 && (len(t.records) > t.maxRecords || t.bytes > t.maxBytes) {
		t.bytes -= t.records[0].size
		t.records[0] = entry{}
		t.records = t.records[1:]
		t.first = t.records[0].Sequence
	}
	if r.Sequence <= t.durable {
		t.wake()
	}
}

// sync tells that everything up to sequence is on disk.
func (t *tail) sync(sequence uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if sequence <= t.durable {
		return
	}
	seen := t.end()
	t.durable = sequence
	if t.end() > seen {
		t.wake()
	}
}

func (t *tail) wake() {
	close(t.changed)
	t.changed = make(chan struct{})
}

// end is the sequence behind the last record that can be seen.
func (t *tail) end() uint64 {
	if t.durable < t.next {
		return max(t.durable+1, t.first)
	}
	return t.next
}

// since gives the first record from sequence on that pick wants, and the
// sequence to go on from. Without one, more is closed when there is more to see.
// If onDisk is true, the records from sequence up to next, without next, are
// behind the tail: read them from disk.
func (t *tail) since(sequence uint64, pick func(Record) bool) (r Record, next uint64, more <-chan struct{}, onDisk bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if behind := min(t.first, t.durable+1); sequence < behind {
		return Record{}, behind, nil, true
	}
	if sequence < t.first {
		return Record{}, sequence, t.changed, false
	}
	end := t.end()
	at := sort.Search(len(t.records), func(i int) bool { return t.records[i].Sequence >= sequence })
	for ; at < len(t.records) && t.records[at].Sequence < end; at++ {
		if pick(t.records[at].Record) {
			return t.records[at].Record, t.records[at].Sequence + 1, nil, false
		}
	}
	return Record{}, max(sequence, end), t.changed, false
}

// seen is the sequence of the newest record that can be seen, or of the last one
// that is gone.
func (t *tail) seen() uint64 {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.end() - 1
}

// synced is the sequence up to which everything is on disk.
func (t *tail) synced() uint64 {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.durable
}
