package server

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

// blackClip makes four seconds of which two are black, and gives its path.
func blackClip(t testing.TB) string {
	t.Helper()
	ffmpeg := os.Getenv("STREAMVET_FFMPEG")
	if ffmpeg == "" {
		t.Fatal("STREAMVET_FFMPEG is not set: run the tests with make test")
	}
	path := filepath.Join(t.TempDir(), "black.mkv")
	out, err := exec.Command(ffmpeg, "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=160x90:rate=25:duration=4",
		"-vf", "drawbox=color=black:t=fill:enable='gte(t,1)*lt(t,3)'", "-c:v", "mpeg4", path).CombinedOutput()
	if err != nil {
		t.Fatalf("ffmpeg: %v\n%s", err, out)
	}
	return path
}

// numbers reads a page of metrics: "name{labels}" to value.
func numbers(t testing.TB, page string) map[string]float64 {
	t.Helper()
	all := map[string]float64{}
	for _, line := range strings.Split(page, "\n") {
		name, text, ok := strings.Cut(line, "} ")
		if ok {
			name += "}"
		} else {
			name, text, ok = strings.Cut(line, " ")
		}
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		n, err := strconv.ParseFloat(text, 64)
		if err != nil {
			t.Fatalf("metric %q: %v", line, err)
		}
		all[name] = n
	}
	return all
}

// A source that was vetted shows in the metrics, and every metric is in the docs.
func TestMetrics(t *testing.T) {
	clip := blackClip(t)
	s := setting{
		file: fmt.Sprintf("detectors: {only: [black, block_corruption]}\nreach: {roots: [%s]}\nmetrics: {per_source: true, instance_price: 0.5}\nlimits: {sources: 9}\n", filepath.Dir(clip)),
	}.start(t)
	conn := s.dial()
	_, err := streamvetv1.NewSourceServiceClient(conn).AddSource(t.Context(), &streamvetv1.AddSourceRequest{
		Config: &streamvetv1.SourceConfig{Name: "film", Url: "file://" + clip},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.eventually("the film has ended", func() bool {
		return s.sources.States()[streamvetv1.SourceState_SOURCE_STATE_ENDED] == 1
	})
	s.eventually("its verdicts are stored", func() bool { return s.journal.State().Records >= 2 })
	code, page := s.get("/metrics")
	if code != 200 {
		t.Fatalf("%d %s", code, page)
	}
	got := numbers(t, page)
	for name, want := range map[string]float64{
		"streamvet_frames_total":                                                   100,
		"streamvet_media_seconds_total":                                            4,
		`streamvet_verdicts_raised_total{defect="black"}`:                          1,
		`streamvet_sources{state="ended"}`:                                         1,
		`streamvet_sources{state="running"}`:                                       0,
		"streamvet_sources_max":                                                    9,
		"streamvet_connections_total":                                              1,
		"streamvet_verdict_queue":                                                  0,
		"streamvet_packet_queue":                                                   0,
		"streamvet_packet_queue_bytes":                                             0,
		"streamvet_verdicts_open":                                                  0,
		"streamvet_verdicts_lost_total":                                            0,
		`streamvet_journal_state{state="ok"}`:                                      1,
		"streamvet_journal_records":                                                2,
		"streamvet_journal_append_seconds_count":                                   2,
		"streamvet_verdict_delay_seconds_count":                                    2,
		"streamvet_journal_max_bytes":                                              5 << 30,
		`streamvet_source_frames_total{source="film"}`:                             100,
		`streamvet_source_connections_total{source="film"}`:                        1,
		"streamvet_instance_price":                                                 0.5,
		`streamvet_build_info{device="` + s.engine.Device() + `",version="1.2.3"}`: 1,
		`streamvet_stage_seconds_count{stage="decode"}`:                            101, // the last time there was none
	} {
		if n, there := got[name]; !there || n != want {
			t.Errorf("%s is %v, want %v", name, n, want)
		}
	}
	looks := got["streamvet_looks_total"]
	if n := got[`streamvet_network_batch_size_sum{detector="block_corruption",shadow="false"}`]; looks == 0 || n != looks {
		t.Errorf("the network looked at %v pictures, its batches have %v", looks, n)
	}
	if n := got["streamvet_latency_seconds_count"]; n != 100+looks {
		t.Errorf("the latency of %v pictures is told, of %v", n, 100+looks)
	}
	for _, name := range []string{"streamvet_cpu_seconds_per_stream_hour", "streamvet_cost_per_stream_hour", "process_cpu_seconds_total", "go_goroutines"} {
		if got[name] <= 0 {
			t.Errorf("%s is %v", name, got[name])
		}
	}
	if strings.Contains(page, clip) {
		t.Error("a metric tells the URL")
	}
	docs, err := os.ReadFile("../docs/serve.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`(?m)^# TYPE (streamvet_\S+) (\S+)$`).FindAllStringSubmatch(page, -1) {
		if !regexp.MustCompile("`" + m[1] + "({[a-z, ]+})?` \\| " + m[2]).Match(docs) {
			t.Errorf("%s, a %s, is not in docs/serve.md", m[1], m[2])
		}
	}

	// When the source goes, its own numbers go, and the totals stay.
	if _, err := streamvetv1.NewSourceServiceClient(conn).RemoveSource(t.Context(), &streamvetv1.RemoveSourceRequest{Name: "film"}); err != nil {
		t.Fatal(err)
	}
	_, page = s.get("/metrics")
	after := numbers(t, page)
	if strings.Contains(page, `source="film"`) || after["streamvet_connections_total"] != 1 || after["streamvet_frames_total"] != 100 {
		t.Errorf("after it has gone:\n%s", page)
	}
}

// The dashboard asks for metrics that there are, by labels that they have.
func TestDashboard(t *testing.T) {
	text, err := os.ReadFile("../deploy/grafana.json")
	if err != nil {
		t.Fatal(err)
	}
	docs, err := os.ReadFile("../docs/serve.md")
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(text, &dashboard); err != nil {
		t.Fatal(err)
	}
	labels := map[string]string{} // by metric
	for _, m := range regexp.MustCompile("`(streamvet_[a-z_]+)(?:{([a-z_, ]+)})?` \\|").FindAllSubmatch(docs, -1) {
		labels[string(m[1])] = string(m[2])
	}
	asked := 0
	for _, p := range dashboard.Panels {
		for _, q := range p.Targets {
			by := regexp.MustCompile(`by \(([a-z_, ]+)\)`).FindStringSubmatch(q.Expr)
			for _, name := range regexp.MustCompile(`streamvet_[a-z_]+`).FindAllString(q.Expr, -1) {
				asked++
				has, known := labels[name]
				if !known {
					has, known = labels[regexp.MustCompile(`_(sum|count|bucket)$`).ReplaceAllString(name, "")]
				}
				if !known {
					t.Errorf("%s asks for %s, which is not in docs/serve.md", p.Title, name)
				}
				for _, l := range strings.Split(strings.Join(by[min(len(by), 1):], ""), ", ") {
					if l != "" && l != "le" && !strings.Contains(has, l) {
						t.Errorf("%s asks for %s by %s, it has %s", p.Title, name, l, has)
					}
				}
			}
		}
	}
	if asked < 20 {
		t.Errorf("it asks for %d metrics", asked)
	}
}
