package measure

import (
	"math"
	"time"

	"github.com/streamvet/streamvet/engine/frame"
	"github.com/streamvet/streamvet/engine/verdict"
)

// flash: general flashes as in ITU-R BT.1702-2 and WCAG 2.3.1. A flash is a
// pair of opposing changes of luminance by 20 cd/m2 or more, the darker state
// below 160 cd/m2 (on a display of 200 cd/m2, gamma 2.2), over `area` of the
// picture at once. Reading: flashes within the last second. 0.5 where a fourth
// one is completed within one second: no more than three are allowed.
type flash struct {
	area float64

	low, high [frame.GridHeight * frame.GridWidth]float64 // extremes since the cell last turned
	turned    [frame.GridHeight * frame.GridWidth]int8    // +1: its last change was upwards
	at        [frame.GridHeight * frame.GridWidth]time.Duration
	begun     bool
	light     [256]float64      // luminance by luma level, for the range below
	lightOf   float64           // nominal white of that range
	direction int8              // of the picture's last change
	changes   [32]time.Duration // ring of the latest changes
	count     int
}

func newFlash() pictureForm { return &flash{area: 0.25} }

func (d *flash) knobs() []knob { return []knob{{"area", &d.area, 0.01, 1}} }

const (
	flashStep   = 20.0  // cd/m2
	flashDarker = 160.0 // cd/m2
	displayPeak = 200.0 // cd/m2
	// Cells change together when they do so within this time: five fields, as a
	// flash may rise over more than one picture.
	flashTogether = 100 * time.Millisecond
)

func (d *flash) observe(dst []verdict.Score, o output, p *picture) []verdict.Score {
	d.calibrate(p)
	up, down := 0, 0
	for i, y := range p.m.GridY {
		l := d.light[y]
		if !d.begun {
			d.low[i], d.high[i] = l, l
		}
		d.follow(i, l, p.PTS)
		if d.turned[i] != 0 && p.PTS-d.at[i] <= flashTogether {
			if d.turned[i] > 0 {
				up++
			} else {
				down++
			}
		}
	}
	d.begun = true
	// Things that move turn some cells up and as many others down.
	need := d.area * float64(len(d.turned))
	switch {
	case float64(up) > need && up > 2*down && d.direction <= 0:
		d.change(1, p.PTS)
	case float64(down) > need && down > 2*up && d.direction >= 0:
		d.change(-1, p.PTS)
	}
	n := float64(d.within(p.PTS, time.Second))
	return append(dst, p.score(o, ramp(n, 4, 8, 14), n/2))
}

// follow notes the changes of one cell.
func (d *flash) follow(i int, l float64, now time.Duration) {
	d.low[i], d.high[i] = min(d.low[i], l), max(d.high[i], l)
	switch {
	case d.turned[i] <= 0 && l-d.low[i] >= flashStep && d.low[i] < flashDarker:
		d.turned[i], d.at[i], d.high[i] = 1, now, l
	case d.turned[i] >= 0 && d.high[i]-l >= flashStep && l < flashDarker:
		d.turned[i], d.at[i], d.low[i] = -1, now, l
	}
}

func (d *flash) change(direction int8, now time.Duration) {
	d.direction = direction
	d.changes[d.count%len(d.changes)] = now
	d.count++
}

// within counts the changes of the last stretch of time; the ring bounds it.
func (d *flash) within(now, length time.Duration) int {
	n := 0
	for i := range min(d.count, len(d.changes)) {
		if now-d.changes[i] < length {
			n++
		}
	}
	return n
}

// calibrate tabulates the light of luma levels on the display, cd/m2.
func (d *flash) calibrate(p *picture) {
	if d.lightOf == p.white {
		return
	}
	d.lightOf = p.white
	for y := range d.light {
		v := min(max((float64(y)-p.black)/(p.white-p.black), 0), 1)
		d.light[y] = displayPeak * math.Pow(v, 2.2)
	}
}
