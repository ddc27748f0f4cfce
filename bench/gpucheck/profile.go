package gpucheck

import (
	"bytes"
	"encoding/csv"
	"slices"
	"strconv"
	"strings"
)

// profiled is the mean time of a kernel, in microseconds.
type profiled struct {
	kernel string
	mean   float64
	n      int
}

// perMicrosecond are the units of time that ncu writes.
var perMicrosecond = map[string]float64{
	"ns": 1e-3, "nsecond": 1e-3, "us": 1, "usecond": 1, "ms": 1e3, "msecond": 1e3, "s": 1e6, "second": 1e6,
}

// readProfile takes the durations of our kernels out of the CSV that ncu prints, among
// other lines.
func readProfile(out []byte) []profiled {
	at := bytes.Index(out, []byte(`"ID",`))
	if at < 0 {
		return nil
	}
	r := csv.NewReader(bytes.NewReader(out[at:]))
	r.FieldsPerRecord, r.LazyQuotes = -1, true
	var column map[string]int
	sums := map[string]profiled{}
	for {
		row, err := r.Read()
		if err != nil {
			break
		}
		if column == nil {
			column = map[string]int{}
			for i, name := range row {
				column[name] = i
			}
			continue
		}
		field := func(name string) string {
			if i, ok := column[name]; ok && i < len(row) {
				return row[i]
			}
			return ""
		}
		name, _, _ := strings.Cut(field("Kernel Name"), "(")
		value, err := strconv.ParseFloat(strings.ReplaceAll(field("Metric Value"), ",", ""), 64)
		if err != nil || field("Metric Name") != "gpu__time_duration.sum" {
			continue
		}
		p := sums[name]
		sums[name] = profiled{name, p.mean + value*perMicrosecond[field("Metric Unit")], p.n + 1}
	}
	var all []profiled
	for _, p := range sums {
		p.mean /= float64(p.n)
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b profiled) int { return strings.Compare(a.kernel, b.kernel) })
	return all
}

// lastLine is the last line that says something.
func lastLine(out []byte) string {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return lines[len(lines)-1]
}
