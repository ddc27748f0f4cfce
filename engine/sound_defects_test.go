package engine

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/streamvet/streamvet/engine/verdict"
	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

// The shipped network of sound, on sounds that leave no doubt.
func TestSoundDefects(t *testing.T) {
	e := openWith(t, shipped(t, "sound_defects"))
	const noise = "(random(0)-0.5)*0.3"
	hum := func(hertz, height, from float64) string {
		return fmt.Sprintf("%s+gte(t,%g)*(%g*sin(2*PI*%g*t)+%g*sin(4*PI*%g*t))", noise, from, height, hertz, height/2, hertz)
	}
	tones := func(hertz ...float64) string {
		var all []string
		for _, f := range hertz {
			all = append(all, fmt.Sprintf("0.1*sin(2*PI*%g*t)", f))
		}
		return noise + "+" + strings.Join(all, "+")
	}
	wave := func(formula string) []string {
		return []string{"-f", "lavfi", "-i", fmt.Sprintf("aevalsrc='%s':s=48000:d=10", formula)}
	}
	pink := []string{"-f", "lavfi", "-i", "anoisesrc=color=pink:amplitude=0.5:sample_rate=48000:duration=6:seed=3"}
	for _, c := range []struct {
		name       string
		sound      []string
		defect     verdict.Defect // "": none
		start, end float64
	}{
		{"hum", wave(hum(50, 0.06, 0)), verdict.Hum, 0, 10},
		{"hum at 60.1 Hz from 3 s on", wave(hum(60.1, 0.05, 3)), verdict.Hum, 3, 10},
		{"hum in silence", wave("0.02*sin(2*PI*60*t)+0.01*sin(2*PI*120*t)+0.01*sin(2*PI*180*t)"), verdict.Hum, 0, 10},
		{"noise", wave(noise), "", 0, 0},
		{"bass notes beside the mains", wave(tones(49, 51.91, 58.27, 61.74, 98)), "", 0, 0},
		{"bass note on the mains", wave(tones(50) + "*lt(mod(t,1),0.5)"), "", 0, 0},
		{"transformer in the room", wave(tones(120, 240)), "", 0, 0},
		{"a buffer of 80 ms four times", append(pink, "-af", "aloop=loop=4:size=3840:start=144000"), verdict.AudioStutter, 3.08, 3.4},
		{"a buffer of 300 ms four times", append(pink, "-af", "aloop=loop=4:size=14400:start=144000"), verdict.AudioStutter, 3.3, 4.5},
		{"a loop", append(pink, "-af", "aloop=loop=30:size=19200:start=24000"), "", 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			n, _ := vet(t, e, clip(t, "a.wav", c.sound...))
			var found []string
			for _, v := range n.verdicts {
				if v.State != streamvetv1.State_STATE_CLEARED {
					continue
				}
				start, end := v.Start.AsDuration().Seconds(), v.End.AsDuration().Seconds()
				found = append(found, fmt.Sprintf("%s from %.2f to %.2f s", v.Defect, start, end))
				if v.Defect != string(c.defect) || math.Abs(start-c.start) > 1 || math.Abs(end-c.end) > 1 {
					t.Errorf("heard %s", found[len(found)-1])
				}
			}
			if len(found) == 0 && c.defect != "" || len(found) > 1 {
				t.Errorf("heard %v", found)
			}
		})
	}
}
