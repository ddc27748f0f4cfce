package measure

import (
	"testing"
	"time"

	"github.com/streamvet/streamvet/engine/frame"
)

// What container and decoder tell of damage counts from the first picture on, to
// the keyframe that ends it, and is news for some pictures only.
func TestDamageIsToldOf(t *testing.T) {
	refused := frame.Evidence{RefusedPackets: 1}
	for name, c := range map[string]struct {
		told, keys []int
		length     int
		step       time.Duration
		damaged    [2]int // pictures from, to (without)
		news       []int  // first pictures of news
	}{
		"nothing":                    {nil, []int{0, 10}, 20, testFrame, [2]int{}, nil},
		"to the next keyframe":       {[]int{7}, []int{0, 20}, 30, testFrame, [2]int{7, 20}, []int{7}},
		"the keyframe is what broke": {[]int{18}, []int{0, 20, 40}, 50, testFrame, [2]int{18, 40}, []int{18}},
		"no news while it goes on":   {[]int{5, 12, 19, 26}, []int{0, 60}, 70, testFrame, [2]int{5, 60}, []int{5}},
		"news after a quiet second":  {[]int{5, 32}, []int{0, 60}, 70, testFrame, [2]int{5, 60}, []int{5, 32}},
		"no keyframe comes":          {[]int{5}, []int{0}, 30, time.Second, [2]int{5, 16}, []int{5}},
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := NewPicture(nil)
			has := func(list []int, n int) bool {
				for _, x := range list {
					if x == n {
						return true
					}
				}
				return false
			}
			for n := range c.length {
				f := FrameInfo{PTS: time.Duration(n) * c.step, Duration: c.step, Keyframe: has(c.keys, n)}
				if has(c.told, n) {
					f.Evidence = refused
				}
				s.Observe(nil, f, &frame.Measures{Pixels: 1 << 16, Blocks: 256, HasPrevious: 1, SAD: 2 << 16})
				got := s.Suspicion()
				if want := n >= c.damaged[0] && n < c.damaged[1]; (got.Damaged == 1) != want {
					t.Errorf("picture %d: damaged %v", n, got.Damaged)
				}
				news := false
				for _, first := range c.news {
					news = news || n >= first && n < first+moments
				}
				if got.News != news {
					t.Errorf("picture %d: news %v", n, got.News)
				}
			}
		})
	}
}
