package access

import (
	rpc "github.com/grpc-ecosystem/go-grpc-middleware/providers/prometheus"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"
)

// metrics are those of calls.
type metrics struct {
	rpc     *rpc.ServerMetrics
	refused *prometheus.CounterVec
	panics  prometheus.Counter
}

func newMetrics(r *prometheus.Registry) *metrics {
	m := &metrics{
		rpc: rpc.NewServerMetrics(rpc.WithServerHandlingTimeHistogram(
			rpc.WithHistogramBuckets([]float64{.001, .005, .025, .1, .5, 2.5, 10, 60}))),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "streamvet_calls_refused_total", Help: "Calls that were refused, by reason: token, role, rate.",
		}, []string{"reason"}),
		panics: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "streamvet_panics_total", Help: "Calls that ended in a fault of the server's code.",
		}),
	}
	for _, reason := range []string{"token", "role", "rate"} {
		m.refused.WithLabelValues(reason)
	}
	r.MustRegister(m.rpc, m.refused, m.panics)
	return m
}

// Count makes the metrics of all methods of s be there from the start.
func (a *Access) Count(s *grpc.Server) { a.metrics.rpc.InitializeMetrics(s) }
