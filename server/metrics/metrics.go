// Package metrics tells Prometheus how a server does: what the engine, the
// sources, the journal and the GPU count is read when Prometheus asks, so nothing
// is counted twice and nothing runs in between.
//
// Labels come from lists that are short and known: stages, detectors, defects,
// states. The names of sources are in none, unless the operator asks for it; URLs
// never are.
package metrics

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/streamvet/streamvet/engine"
	"github.com/streamvet/streamvet/server/config"
	"github.com/streamvet/streamvet/server/journal"
	"github.com/streamvet/streamvet/server/registry"
)

// Options are what is told of.
type Options struct {
	Engine  *engine.Engine
	Journal *Journal
	Sources *registry.Registry
	// Followers is how many calls follow verdicts.
	Followers func() int
	Config    config.Config
	Version   string
}

// Metrics is a collector of all of it.
type Metrics struct {
	options Options
	started time.Time
	all     []family
	families

	mu    sync.Mutex
	gpu   busy
	risen risen
}

// Register makes the metrics, and those of Go and the process, and puts them on r.
func Register(r *prometheus.Registry, o Options) *Metrics {
	m := &Metrics{options: o, started: time.Now()}
	m.families = m.newFamilies()
	r.MustRegister(m, o.Journal.appends, o.Journal.delays, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Describe sends the descriptions of all metrics.
func (m *Metrics) Describe(ch chan<- *prometheus.Desc) {
	for _, f := range m.all {
		ch <- f.desc
	}
}

// Collect reads all of them.
func (m *Metrics) Collect(ch chan<- prometheus.Metric) {
	o := m.options
	m.build.send(ch, 1, o.Version, o.Engine.Device())
	totals := o.Engine.Totals()
	m.collectEngine(ch, &totals)
	m.collectNetworks(ch)
	m.collectCopies(ch)
	m.collectSources(ch)
	m.collectJournal(ch)
	m.collectGPU(ch)
	m.collectCost(ch, totals.Media)
}

// family is one metric with its labels.
type family struct {
	name, help string
	labels     []string
	kind       prometheus.ValueType // 0 for a histogram
	desc       *prometheus.Desc
}

func (m *Metrics) family(kind prometheus.ValueType, name, help string, labels []string) family {
	name = "streamvet_" + name
	f := family{name, help, labels, kind, prometheus.NewDesc(name, help, labels, nil)}
	m.all = append(m.all, f)
	return f
}

func (m *Metrics) counter(name, help string, labels ...string) family {
	return m.family(prometheus.CounterValue, name+"_total", help, labels)
}

func (m *Metrics) gauge(name, help string, labels ...string) family {
	return m.family(prometheus.GaugeValue, name, help, labels)
}

func (m *Metrics) histogram(name, help string, labels ...string) family {
	return m.family(0, name, help, labels)
}

func (f family) send(ch chan<- prometheus.Metric, value float64, labels ...string) {
	ch <- prometheus.MustNewConstMetric(f.desc, f.kind, value, labels...)
}

// sendHistogram tells a histogram of the engine in seconds, from 64 µs on.
func (f family) sendHistogram(ch chan<- prometheus.Metric, h engine.Histogram, labels ...string) {
	buckets := map[float64]uint64{}
	for i, n := range h.Below {
		if d := time.Microsecond << i; d >= 64*time.Microsecond && d <= 20*time.Second {
			buckets[d.Seconds()] = uint64(n)
		}
	}
	ch <- prometheus.MustNewConstHistogram(f.desc, uint64(h.Count), h.Sum.Seconds(), buckets, labels...)
}

var journalStates = []journal.Status{journal.OK, journal.Full, journal.ReadOnly, journal.Unavailable}
