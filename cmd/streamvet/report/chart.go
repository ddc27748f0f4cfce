package report

import (
	"fmt"
	"html/template"
	"math"
	"strings"
	"time"
)

// Charts are drawn in a box of chartWidth by 100 units that the page stretches;
// lines keep their width (vector-effect), and words stand outside of it.
const chartWidth = 1000.0

// scale maps the time from start on, for length, to the width of a chart.
type scale struct{ start, length time.Duration }

func (s scale) x(t time.Duration) float64 {
	return chartWidth * min(max((t-s.start).Seconds()/s.length.Seconds(), 0), 1)
}

// percent is a share of the width for CSS.
func (s scale) percent(t time.Duration) float64 { return s.x(t) / chartWidth * 100 }

// tick is a mark of the time axis.
type tick struct {
	At    float64 // percent
	Label string
}

// ticks marks round times, about eight of them.
func (s scale) ticks() []tick {
	step := niceStep(s.length / 8)
	var ts []tick
	for t := time.Duration(0); t < s.length-step/3; t += step {
		ts = append(ts, tick{s.percent(t), axisTime(t)})
	}
	return ts
}

func niceStep(at time.Duration) time.Duration {
	for _, s := range []float64{0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200} {
		if d := time.Duration(s * float64(time.Second)); d >= at {
			return d
		}
	}
	return at.Round(time.Hour) + time.Hour
}

func axisTime(t time.Duration) string {
	if h := int(t.Hours()); h > 0 {
		return fmt.Sprintf("%d:%02d:%02d", h, int(t.Minutes())%60, int(t.Seconds())%60)
	}
	s := t.Seconds() - 60*math.Floor(t.Minutes())
	if s == math.Trunc(s) {
		return fmt.Sprintf("%d:%02.0f", int(t.Minutes()), s)
	}
	return fmt.Sprintf("%d:%04.1f", int(t.Minutes()), s)
}

// steps draws the highest values of a series as a filled outline; low and high
// are the values at the bottom and top of the chart.
func (s scale) steps(line *series, low, high float64) template.HTMLAttr {
	var b strings.Builder
	up := func(v float64) float64 { return 100 - 100*min(max((v-low)/(high-low), 0), 1) }
	drawn := false
	for i, k := range line.buckets {
		if !k.seen {
			if drawn {
				b.WriteString("V100")
				drawn = false
			}
			continue
		}
		x0, x1 := s.x(time.Duration(i)*line.width), s.x(time.Duration(i+1)*line.width)
		if !drawn {
			fmt.Fprintf(&b, "M%.1f 100", x0)
			drawn = true
		}
		fmt.Fprintf(&b, "V%.1fH%.1f", up(k.max), x1)
	}
	if drawn {
		b.WriteString("V100")
	}
	return template.HTMLAttr(`d="` + b.String() + `"`)
}

// wave draws the span from the lowest to the highest sample, -1 to 1.
func (s scale) wave(line *series) template.HTMLAttr {
	var b strings.Builder
	y := func(v float64) float64 { return 50 - 50*min(max(v, -1), 1) }
	for i, k := range line.buckets {
		if !k.seen || time.Duration(i+1)*line.width <= s.start || time.Duration(i)*line.width >= s.start+s.length {
			continue
		}
		x0, x1 := s.x(time.Duration(i)*line.width), s.x(time.Duration(i+1)*line.width)
		top, bottom := y(k.max), y(k.min)
		if bottom-top < 0.8 {
			bottom = top + 0.8
		}
		fmt.Fprintf(&b, "M%.1f %.1fV%.1fH%.1fV%.1fZ", x0, top, bottom, max(x1, x0+0.5), top)
	}
	return template.HTMLAttr(`d="` + b.String() + `"`)
}
