package metrics

import (
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
	"github.com/streamvet/streamvet/server/registry"
)

func (m *Metrics) collectSources(ch chan<- prometheus.Metric) {
	limits := m.options.Config.Limits
	states := m.options.Sources.States()
	for number, name := range streamvetv1.SourceState_name {
		if number != 0 {
			state := strings.ToLower(strings.TrimPrefix(name, "SOURCE_STATE_"))
			m.sources.send(ch, float64(states[streamvetv1.SourceState(number)]), state)
		}
	}
	if limits.Sources > 0 {
		m.sourcesMax.send(ch, float64(limits.Sources))
	}
	m.followers.send(ch, float64(m.options.Followers()))
	m.followersMax.send(ch, float64(limits.Followers))

	var open, queue int
	stats := m.options.Sources.Stats()
	connects, lost := m.rise(stats)
	for _, s := range stats {
		open += s.Open
		queue += s.Waiting
		if !m.options.Config.Metrics.PerSource {
			continue
		}
		var drops uint64
		for _, n := range s.Drops {
			drops += n
		}
		m.sourceFrames.send(ch, float64(s.Frames), s.Name)
		m.sourceDropped.send(ch, float64(drops), s.Name)
		m.sourceOpen.send(ch, float64(s.Open), s.Name)
		m.sourceConnections.send(ch, float64(s.Connects), s.Name)
		m.sourceQueue.send(ch, float64(s.Waiting), s.Name)
	}
	m.connections.send(ch, float64(connects))
	m.lost.send(ch, float64(lost))
	m.open.send(ch, float64(open))
	m.queue.send(ch, float64(queue))
}

// risen adds up counters of sources, which begin anew with each source of a name,
// so that the sums never fall.
type risen struct {
	before         map[string]registry.Stats
	connects, lost uint64
}

func (m *Metrics) rise(stats []registry.Stats) (connects, lost uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := make(map[string]registry.Stats, len(stats))
	for _, s := range stats {
		before := m.risen.before[s.Name]
		m.risen.connects += step(before.Connects, s.Connects)
		m.risen.lost += step(before.Lost, s.Lost)
		now[s.Name] = registry.Stats{Connects: s.Connects, Lost: s.Lost}
	}
	m.risen.before = now
	return m.risen.connects, m.risen.lost
}

func step(before, now uint64) uint64 {
	if now < before {
		return now
	}
	return now - before
}
