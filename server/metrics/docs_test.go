package metrics

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

var update = flag.Bool("update", false, "write the table of metrics in the docs anew")

// table is that of the metrics in the docs.
func table() string {
	m := &Metrics{}
	m.families = m.newFamilies()
	var b strings.Builder
	b.WriteString("| metric | kind | what it is |\n|---|---|---|\n")
	for _, f := range m.all {
		kind := map[prometheus.ValueType]string{prometheus.CounterValue: "counter", prometheus.GaugeValue: "gauge", 0: "histogram"}[f.kind]
		name := f.name
		if len(f.labels) > 0 {
			name += "{" + strings.Join(f.labels, ", ") + "}"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", name, kind, f.help)
	}
	return b.String()
}

func TestTableInDocs(t *testing.T) {
	const path = "../../docs/serve.md"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const begin, end = "<!-- metrics: go test ./server/metrics -update -->\n", "<!-- end of metrics -->"
	before, rest, ok1 := strings.Cut(string(text), begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok1 || !ok2 {
		t.Fatalf("%s has no place for the table of metrics", path)
	}
	want := before + begin + table() + end + after
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if string(text) != want {
		t.Errorf("%s is not what the metrics are: go test ./server/metrics -update", path)
	}
}
