//go:build cuda

package metrics

import (
	"os"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/streamvet/streamvet/engine"
	"github.com/streamvet/streamvet/engine/device/cuda/double"
	"github.com/streamvet/streamvet/models"
	"github.com/streamvet/streamvet/server/config"
)

func TestMain(m *testing.M) { os.Exit(double.Main(m)) }

// onGPU are the metrics of an engine on the driver's double.
func onGPU(t *testing.T) *Metrics {
	t.Helper()
	set, err := models.Default()
	if err != nil {
		t.Fatal(err)
	}
	black, err := set.Choose([]string{"black"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	e, err := engine.Open(engine.Config{Detectors: black, Device: "cuda", ORTLibrary: os.Getenv("STREAMVET_ORT_LIB")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	m := &Metrics{options: Options{Engine: e, Config: config.Config{}}, started: time.Now()}
	m.families = m.newFamilies()
	return m
}

// read gives what is told of the GPU, by the names of families.
func read(t *testing.T, m *Metrics, media time.Duration) map[string]float64 {
	t.Helper()
	ch := make(chan prometheus.Metric, 100)
	m.collectGPU(ch)
	m.collectCost(ch, media)
	close(ch)
	got := map[string]float64{}
	for metric := range ch {
		for _, f := range m.all {
			if f.desc == metric.Desc() {
				var d dto.Metric
				if err := metric.Write(&d); err != nil {
					t.Fatal(err)
				}
				got[f.name] = d.GetGauge().GetValue() + d.GetCounter().GetValue()
			}
		}
	}
	return got
}

func TestGPUIsAddedUp(t *testing.T) {
	double.Set("NVML_GPU", "50")
	double.Set("NVML_DECODER", "20")
	t.Cleanup(double.Reset)
	m := onGPU(t)
	began := time.Now()
	m.Sample(began)
	m.Sample(began.Add(10 * time.Second))
	m.Sample(began.Add(5 * time.Second)) // the clock was set back
	double.Set("NVML_GPU", "100")
	m.Sample(began.Add(7 * time.Second))
	got := read(t, m, 2*time.Hour)
	for name, want := range map[string]float64{
		"streamvet_gpu_busy_ratio": 1, "streamvet_gpu_decoder_busy_ratio": .2,
		"streamvet_gpu_busy_seconds_total": 7, "streamvet_gpu_decoder_busy_seconds_total": 2.4,
		"streamvet_gpu_seconds_per_stream_hour": 3.5,
	} {
		if v, ok := got[name]; !ok || v < want-1e-9 || v > want+1e-9 {
			t.Errorf("%s is %v, want %v", name, v, want)
		}
	}
	if total := got["streamvet_gpu_memory_total_bytes"]; total <= 0 || got["streamvet_gpu_memory_bytes"] > total {
		t.Errorf("memory: %v of %v", got["streamvet_gpu_memory_bytes"], total)
	}
	if _, ok := read(t, m, 0)["streamvet_gpu_seconds_per_stream_hour"]; ok {
		t.Error("of no media there is no cost of an hour")
	}
}
