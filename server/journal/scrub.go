package journal

import (
	"context"
	"time"
)

// read reads from disk as session.read does, and says afterwards which record is
// the oldest one that is kept: upto, if all before it are gone. What is missing
// between those that were read is noted as lost, if all of them were asked for.
func (j *Journal) read(ctx context.Context, s *session, from, upto uint64, pattern string) (found []message, next, first uint64, err error) {
	if found, next, err = s.read(ctx, from, upto, pattern); err != nil {
		return nil, 0, 0, err
	}
	if len(found) > 0 && found[0].sequence == from {
		first = from // or before it, which makes no difference
	} else if first, err = s.first(ctx); err != nil {
		return nil, 0, 0, err
	} else if first == 0 || first > upto {
		first = upto
	}
	if pattern != everySubject && s.whole {
		return found, next, first, nil
	}
	due := max(from, first)
	for _, m := range found {
		if m.sequence > due {
			j.lost(due, m.sequence-1)
		}
		due = max(due, m.sequence+1)
	}
	if next > due {
		j.lost(due, next-1)
	}
	return found, next, first, nil
}

// readAll reads the whole journal once, slowly. The server looks for damage only
// where its index is damaged, too; elsewhere it shows when a record is read, and
// who asks for some records only would not see it.
func (j *Journal) readAll() {
	s, err := j.readable()
	if err != nil {
		return
	}
	upto := j.tail.synced() + 1
	for from := max(s.state.FirstSeq, 1); from < upto; {
		start := time.Now()
		_, next, _, err := j.read(j.life, s, from, upto, everySubject)
		if err != nil {
			j.options.Logger.Debug("journal: look for damage", "error", err)
			return
		}
		from = next
		if pause(j.life, 9*time.Since(start)) != nil {
			return
		}
	}
}
