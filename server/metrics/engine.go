package metrics

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/streamvet/streamvet/engine"
	"github.com/streamvet/streamvet/engine/device"
)

func (m *Metrics) collectEngine(ch chan<- prometheus.Metric, t *engine.Totals) {
	m.media.send(ch, t.Media.Seconds())
	m.frames.send(ch, float64(t.Frames))
	m.looks.send(ch, float64(t.Looks))
	m.uploads.send(ch, float64(t.Uploads))
	m.packets.send(ch, float64(t.Queued.Packets))
	m.packetBytes.send(ch, float64(t.Queued.Bytes))
	for detector, n := range t.Drops {
		m.dropped.send(ch, float64(n), detector)
	}
	for defect, n := range t.Raised {
		m.raised.send(ch, float64(n), string(defect))
	}
	for _, s := range engine.AllStages() {
		m.stage.sendHistogram(ch, t.Stages[s].Histogram(), s.String())
	}
	m.latency.sendHistogram(ch, t.Latency.Histogram())
}

func (m *Metrics) collectNetworks(ch chan<- prometheus.Metric) {
	for _, n := range m.options.Engine.Networks() {
		labels := []string{n.Detector, strconv.FormatBool(n.Shadow)}
		m.slots.send(ch, float64(n.Slots), labels...)
		m.slotsTaken.send(ch, float64(n.Taken), labels...)
		buckets := map[float64]uint64{}
		var count uint64
		var sum float64
		for size, runs := range n.Batches {
			count += uint64(runs)
			sum += float64(size) * float64(runs)
			if size > 0 && size&(size-1) == 0 { // 1, 2, 4, ...
				buckets[float64(size)] = count
			}
		}
		ch <- prometheus.MustNewConstHistogram(m.batch.desc, count, sum, buckets, labels...)
	}
}

func (m *Metrics) collectCopies(ch chan<- prometheus.Metric) {
	c := m.options.Engine.Copies()
	for _, p := range device.Purposes() {
		for direction, t := range map[string]device.Traffic{"to_device": c.ToDevice[p], "to_host": c.ToHost[p]} {
			m.copies.send(ch, float64(t.Calls), direction, p.String())
			m.copied.send(ch, float64(t.Bytes), direction, p.String())
		}
	}
}
