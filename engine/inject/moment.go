package inject

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Moment is a place on a clip's timeline as a person writes it: a time, the
// number of a picture, or the end.
type Moment struct {
	Time    time.Duration // from the start; for AtTime
	Frame   int64         // number of a picture, from 0; for AtFrame
	Measure Measure
}

// Measure says which field of a Moment counts.
type Measure uint8

// The ways to give a moment.
const (
	Unset Measure = iota // not given: a default length counts
	AtTime
	AtFrame
	AtEnd
)

const momentForms = "seconds (2.5), 1m20s, 00:01:20.5, frames (50f) or end"

// momentMax keeps arithmetic in nanoseconds and in samples far from overflow.
const momentMax = 1000 * time.Hour

// ParseMoment reads seconds (`2.5`, `2.5s`), units (`1m20s`, `500ms`), a clock
// (`01:20.5`, `00:01:20.5`), a picture (`50f`) or `end`.
func ParseMoment(s string) (Moment, error) {
	if s == "end" {
		return Moment{Measure: AtEnd}, nil
	}
	if digits, ok := strings.CutSuffix(s, "f"); ok {
		n, err := strconv.ParseUint(digits, 10, 40)
		if err != nil {
			return Moment{}, fmt.Errorf("%q is no picture number: write it like 50f", s)
		}
		return Moment{Frame: int64(n), Measure: AtFrame}, nil
	}
	d, ok := parseTime(s)
	if !ok || d < 0 || d > momentMax {
		return Moment{}, fmt.Errorf("%q is no time: write %s", s, momentForms)
	}
	return Moment{Time: d, Measure: AtTime}, nil
}

func parseTime(s string) (time.Duration, bool) {
	if strings.HasPrefix(s, "+") || strings.HasPrefix(s, "-") {
		return 0, false
	}
	if strings.Contains(s, ":") {
		return parseClock(s)
	}
	if sec, ok := parseSeconds(s); ok {
		return sec, true
	}
	d, err := time.ParseDuration(s)
	return d, err == nil
}

// parseClock reads [hours:]minutes:seconds.
func parseClock(s string) (time.Duration, bool) {
	parts := strings.Split(s, ":")
	if len(parts) > 3 {
		return 0, false
	}
	sum, ok := parseSeconds(parts[len(parts)-1])
	if !ok || sum >= time.Minute {
		return 0, false
	}
	unit := time.Minute
	for i := len(parts) - 2; i >= 0; i-- {
		n, err := strconv.ParseUint(parts[i], 10, 16)
		if err != nil || unit == time.Minute && len(parts) == 3 && n > 59 {
			return 0, false
		}
		sum += time.Duration(n) * unit
		unit *= 60
	}
	return sum, true
}

// parseSeconds reads a plain decimal number: digits and one point, no exponent.
func parseSeconds(s string) (time.Duration, bool) {
	if s == "" || strings.Trim(s, "0123456789.") != "" {
		return 0, false
	}
	sec, err := strconv.ParseFloat(s, 64)
	if err != nil || sec > momentMax.Seconds() {
		return 0, false
	}
	return time.Duration(math.Round(sec * float64(time.Second))), true
}

// String gives the moment in the form that a person may write.
func (m Moment) String() string {
	switch m.Measure {
	case AtFrame:
		return fmt.Sprintf("%df", m.Frame)
	case AtEnd:
		return "end"
	case AtTime:
		return strconv.FormatFloat(m.Time.Seconds(), 'f', -1, 64)
	}
	return ""
}

// Rate is pictures a second as a fraction, so that 30000/1001 stays exact.
type Rate struct{ Num, Den int64 }

func (r Rate) String() string {
	if r.Den == 1 {
		return strconv.FormatInt(r.Num, 10)
	}
	return fmt.Sprintf("%d/%d", r.Num, r.Den)
}

// FPS is the rate as a number.
func (r Rate) FPS() float64 { return float64(r.Num) / float64(r.Den) }

// Seconds is when picture n begins.
func (r Rate) Seconds(n int64) float64 { return float64(n) * float64(r.Den) / float64(r.Num) }

// Valid tells whether the rate can be a picture rate at all.
func (r Rate) Valid() bool { return r.Num > 0 && r.Den > 0 && r.FPS() <= 1000 }

// frame is the number of the picture nearest to m.
func (r Rate) frame(m Moment) int64 {
	if m.Measure == AtFrame {
		return m.Frame
	}
	return int64(math.Round(m.Time.Seconds() * r.FPS()))
}

// sample is the number of the sample nearest to m, at rateHz samples a second.
func (r Rate) sample(m Moment, rateHz int) int64 {
	if m.Measure == AtFrame {
		return int64(math.Round(r.Seconds(m.Frame) * float64(rateHz)))
	}
	return int64(math.Round(m.Time.Seconds() * float64(rateHz)))
}
