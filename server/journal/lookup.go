package journal

import (
	"context"
	"fmt"

	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

// Get gives the record with that sequence.
func (j *Journal) Get(ctx context.Context, sequence uint64) (Record, error) {
	s, err := j.readable()
	if err != nil {
		return Record{}, fmt.Errorf("journal: get: %w", err)
	}
	if sequence == 0 || sequence > j.tail.synced() {
		return Record{}, fmt.Errorf("journal: record %d: %w", sequence, ErrNotFound)
	}
	found, err := s.get(ctx, directGet{Sequence: sequence})
	if err != nil {
		return Record{}, fmt.Errorf("journal: get: %w", err)
	}
	if len(found) == 0 {
		return Record{}, fmt.Errorf("journal: record %d: %w", sequence, ErrNotFound)
	}
	return found[0].record()
}

// Latest gives the newest record of a verdict. It reads what the journal has of
// that source.
func (j *Journal) Latest(ctx context.Context, source, id string) (latest Record, err error) {
	found := false
	filter := Filter{Sources: []string{source}}
	err = j.scan(ctx, 1, everything, filter, func(r Record) bool {
		if r.Verdict.GetId() == id {
			latest, found = r, true
		}
		return !found || latest.Verdict.GetState() != streamvetv1.State_STATE_CLEARED
	})
	if err == nil && !found {
		err = fmt.Errorf("verdict %s of %s: %w", id, source, ErrNotFound)
	}
	if err != nil {
		return Record{}, fmt.Errorf("journal: %w", err)
	}
	return latest, nil
}

// rangeReads bounds how much of the journal one Range looks at.
const rangeReads = 256

// Range gives the records from one position to another, without the latter, that
// filter lets through: at most limit, and fewer, even none, where it would have
// to read very far. If there may be more, next is the sequence to go on from;
// otherwise it is 0.
func (j *Journal) Range(ctx context.Context, from, to Position, filter Filter, limit int) (records []Record, next uint64, err error) {
	s, err := j.readable()
	if err != nil {
		return nil, 0, fmt.Errorf("journal: range: %w", err)
	}
	at, err := j.resolve(ctx, s, from)
	if err != nil {
		return nil, 0, fmt.Errorf("journal: range: %w", err)
	}
	end, err := j.resolve(ctx, s, to)
	if err != nil {
		return nil, 0, fmt.Errorf("journal: range: %w", err)
	}
	reads := 0
	err = j.scanReads(ctx, at, end, filter, func(batch []Record, read uint64) bool {
		reads++
		for i, r := range batch {
			records = append(records, r)
			if len(records) == limit {
				next = r.Sequence + 1
				if i == len(batch)-1 {
					next = read
				}
				return false
			}
		}
		next = read
		return reads < rangeReads
	})
	if err != nil {
		return nil, 0, fmt.Errorf("journal: range: %w", err)
	}
	if next >= end {
		next = 0
	}
	return records, next, nil
}

// scan calls visit for the records from one sequence to before another that
// filter lets through, until it says no more.
func (j *Journal) scan(ctx context.Context, from, upto uint64, filter Filter, visit func(Record) bool) error {
	return j.scanReads(ctx, from, upto, filter, func(batch []Record, _ uint64) bool {
		for _, r := range batch {
			if !visit(r) {
				return false
			}
		}
		return true
	})
}

// scanReads does so for each read from disk, and says how far it came.
func (j *Journal) scanReads(ctx context.Context, from, upto uint64, filter Filter, visit func(batch []Record, next uint64) bool) error {
	s, err := j.readable()
	if err != nil {
		return err
	}
	upto = min(upto, j.tail.synced()+1)
	pattern := filter.pattern()
	for from < upto {
		found, next, _, err := j.read(ctx, s, from, upto, pattern)
		if err != nil {
			return err
		}
		var batch []Record
		for _, m := range found {
			if r := j.decode(m); filter.matches(r.Verdict) {
				batch = append(batch, r)
			}
		}
		if !visit(batch, next) {
			return nil
		}
		from = next
	}
	return nil
}

// decode gives the record of m, without a verdict if it is not one.
func (j *Journal) decode(m message) Record {
	r, err := m.record()
	if err != nil {
		j.options.Logger.Warn("journal: a record that is no verdict is left out", "sequence", m.sequence, "error", err)
		return Record{Sequence: m.sequence, Stored: m.stored}
	}
	return r
}

// resolve gives the sequence of a position.
func (j *Journal) resolve(ctx context.Context, s *session, p Position) (uint64, error) {
	switch p.at {
	case atNow:
		last, err := j.newest(ctx, s)
		return last + 1, err
	case atSequence:
		return max(p.sequence, 1), nil
	case atTime:
		t := p.time
		sequence, err := s.one(ctx, directGet{StartTime: &t, Next: everySubject})
		if err != nil || sequence > 0 {
			return sequence, err
		}
		last, err := j.newest(ctx, s)
		return last + 1, err
	}
	first, err := s.first(ctx)
	if err != nil || first > 0 {
		return first, err
	}
	last, err := j.newest(ctx, s)
	return last + 1, err
}

// newest gives the sequence of the newest record, also if it is gone again.
func (j *Journal) newest(ctx context.Context, s *session) (uint64, error) {
	if last := j.tail.synced(); last != everything {
		return last, nil
	}
	info, err := s.info(ctx)
	if err != nil {
		return 0, err
	}
	return info.LastSeq, nil
}
