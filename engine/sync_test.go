package engine

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/streamvet/streamvet/engine/verdict"
	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

// flashAndBeep is 14 s of a moving picture in which a box lights up every second,
// and of sound that beeps so much later.
func flashAndBeep(t *testing.T, name, rate string, late float64, codecs ...string) string {
	return clip(t, name, append([]string{
		"-f", "lavfi", "-i", "testsrc2=size=320x180:rate=" + rate + ":duration=14,drawbox=x=20:y=20:w=120:h=100:color=white:t=fill:enable='lt(mod(t,1),0.1)'",
		"-f", "lavfi", "-i", fmt.Sprintf("aevalsrc='0.4*sin(2*PI*1000*t)*lt(mod(t+10-(%g),1),0.08)+0.004*(random(0)-0.5)':s=48000:d=14", late),
	}, codecs...)...)
}

func TestSoundOutOfStepIsFound(t *testing.T) {
	e := openWith(t, shipped(t, "av_desync"))
	for _, c := range []struct {
		name, file, rate string
		late             float64 // seconds
		found            bool
		codecs           []string
	}{
		{"in step", "a.mkv", "25", 0, false, []string{"-c:v", "mpeg4", "-q:v", "4", "-c:a", "flac"}},
		{"a little late, which is allowed", "b.mkv", "25", 0.08, false, []string{"-c:v", "mpeg4", "-q:v", "4", "-c:a", "flac"}},
		{"late", "c.mkv", "25", 0.24, true, []string{"-c:v", "mpeg4", "-q:v", "4", "-c:a", "flac"}},
		{"early", "d.ts", "30000/1001", -0.14, true, []string{"-c:v", "mpeg2video", "-q:v", "4", "-bf", "2", "-c:a", "mp2"}},
		{"late, in slow pictures", "e.mkv", "10", 0.3, true, []string{"-c:v", "mpeg4", "-q:v", "4", "-c:a", "aac"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			n, _ := vet(t, e, flashAndBeep(t, c.file, c.rate, c.late, c.codecs...))
			got := n.of(verdict.AVDesync, streamvetv1.State_STATE_CLEARED)
			if !c.found {
				if len(got) != 0 {
					t.Errorf("%v", got)
				}
				return
			}
			if len(got) != 1 {
				t.Fatalf("%d verdicts: %v", len(got), got)
			}
			v := got[0]
			if math.Abs(v.Reading-1000*c.late) > 40 || v.Track != 1 || v.Start.AsDuration() > 2*time.Second || v.End.AsDuration() < 12*time.Second {
				t.Errorf("%v", v)
			}
		})
	}
}
