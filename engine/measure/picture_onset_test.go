package measure

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// onsetsOf gives the numbers of the pictures that are onsets.
func onsetsOf(t *testing.T, s scene, frames int) string {
	t.Helper()
	p, err := NewPicture(nil)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	var previous *drawing
	for n := range frames {
		d := s(n)
		p.Observe(nil, FrameInfo{PTS: time.Duration(n) * testFrame, Duration: testFrame, Index: int64(n)}, measureOf(d, previous))
		previous = d
		for _, o := range p.Onsets() {
			if o.At != time.Duration(n)*testFrame || o.Within != testFrame || o.Strength <= 0 {
				t.Errorf("picture %d: %+v", n, o)
			}
			out = append(out, fmt.Sprint(n))
		}
	}
	return strings.Join(out, " ")
}

func TestOnsetsOfPictures(t *testing.T) {
	moving, standing := camera(2, 1), camera(0, 1)
	black := scene(func(int) *drawing { d := newDrawing(sceneWidth, sceneHeight); fill(16)(d); return d })
	fading := func(n int) *drawing {
		d := moving(n)
		levels(func(y float64) float64 { return 16 + (y-16)*min(max(float64(40-n)/25, 0), 1) })(d)
		return d
	}
	for _, c := range []struct {
		name  string
		scene scene
		want  string
	}{
		{"flashes on black", black.change(20, 23, fill(235)).change(50, 51, fill(235)).change(75, 87, fill(200)), "20 50 75"},
		{"a box on a moving picture", moving.change(20, 23, paint(20, 20, 100, 80, 235)).change(60, 63, paint(20, 20, 100, 80, 235)), "20 60"},
		{"a small box on a still one", standing.change(30, 33, paint(20, 20, 50, 50, 235)), "30"},
		{"a cut, and one back much later", standing.change(30, 60, levels(func(y float64) float64 { return 251 - y })), "30 60"},
		{"white that turns black for a moment", standing.change(0, 90, fill(235)).change(30, 33, fill(16)), "30"},
		{"a pan", moving, ""},
		{"a fast pan", camera(12, 1), ""},
		{"noise", standing.change(0, 90, grain(12)), ""},
		{"a fade", fading, ""},
		{"a page with a cursor", page, ""},
	} {
		if got := onsetsOf(t, c.scene, 90); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
