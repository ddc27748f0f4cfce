package metrics

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
	"github.com/streamvet/streamvet/server/journal"
)

// Journal is a journal whose appends are timed.
type Journal struct {
	*journal.Journal
	appends, delays prometheus.Histogram
}

// Timed times the appends of j.
func Timed(j *journal.Journal) *Journal {
	return &Journal{
		Journal: j,
		appends: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "streamvet_journal_append_seconds", Help: "Until a verdict was synced to disk.",
			Buckets: []float64{.001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 5, 30},
		}),
		delays: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "streamvet_verdict_delay_seconds", Help: "From the moment at which a verdict was told until it was synced to disk, where followers can see it.",
			Buckets: []float64{.001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 5, 30, 300},
		}),
	}
}

// Append is the journal's.
func (j *Journal) Append(ctx context.Context, v *streamvetv1.Verdict) (uint64, error) {
	began := time.Now()
	sequence, err := j.Journal.Append(ctx, v)
	if err == nil {
		j.appends.Observe(time.Since(began).Seconds())
		if v.GetTime() != nil {
			j.delays.Observe(max(0, time.Since(v.GetTime().AsTime()).Seconds()))
		}
	}
	return sequence, err
}

func (m *Metrics) collectJournal(ch chan<- prometheus.Metric) {
	s := m.options.Journal.State()
	for _, status := range journalStates {
		is := 0.0
		if s.Status == status {
			is = 1
		}
		m.journalState.send(ch, is, status.String())
	}
	m.journalBytes.send(ch, float64(s.Bytes))
	m.journalRecords.send(ch, float64(s.Records))
	m.journalFirst.send(ch, float64(s.First))
	m.journalLatest.send(ch, float64(s.Latest))
	m.journalDamaged.send(ch, float64(s.Lost))
	if c := m.options.Config.Journal; c.MaxBytes > 0 && c.EvidenceMaxBytes > 0 {
		m.journalMaxBytes.send(ch, float64(c.MaxBytes+c.EvidenceMaxBytes))
	}
}
