package inject

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestMoments(t *testing.T) {
	for text, want := range map[string]Moment{
		"2.5":        {Time: 2500 * time.Millisecond, Measure: AtTime},
		"0":          {Measure: AtTime},
		"2.5s":       {Time: 2500 * time.Millisecond, Measure: AtTime},
		"1m20s":      {Time: 80 * time.Second, Measure: AtTime},
		"500ms":      {Time: 500 * time.Millisecond, Measure: AtTime},
		"01:20.5":    {Time: 80500 * time.Millisecond, Measure: AtTime},
		"90:00":      {Time: 90 * time.Minute, Measure: AtTime},
		"1:00:20.25": {Time: time.Hour + 20250*time.Millisecond, Measure: AtTime},
		"50f":        {Frame: 50, Measure: AtFrame},
		"end":        {Measure: AtEnd},
	} {
		if got, err := ParseMoment(text); err != nil || got != want {
			t.Errorf("%s: %+v, %v; want %+v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "x", "-1", "+1", "1e3", "1:60", "1:2:3:4", "1:61:00", "f", "-5f", "5.5f", "NaN", "1h1h-", ".", "9999999999", "2.5.1"} {
		if got, err := ParseMoment(text); err == nil {
			t.Errorf("%q is taken for %+v", text, got)
		}
	}
}

func TestSpecs(t *testing.T) {
	s, err := ParseSpec("blur:sigma=6@1-3")
	if err != nil || s.Kind.Name != "blur" || s.Params["sigma"] != 6 || s.Start.Time != time.Second || s.End.Time != 3*time.Second {
		t.Errorf("%+v, %v", s, err)
	}
	if s, err := ParseSpec("noise@50f-end"); err != nil || s.Params["sigma"] != 20 || s.End.Measure != AtEnd || s.String() != "noise:sigma=20,chroma=0@50f-end" {
		t.Errorf("%s, %v", s, err)
	}
	for text, want := range map[string]Params{
		"noise:level=2@3-5":           {"sigma": 10, "chroma": 0},
		"noise:chroma=3,level=4@3-5":  {"sigma": 50, "chroma": 3},
		"noise:sigma=7,level=4@3-5":   {"sigma": 7, "chroma": 0},
		"blur:level=4@3-5":            {"sigma": 5, "kernel": 9},
		"compression:level=3@3-5":     {"qp": 42, "crf": 0},
		"freeze:level=3@3":            {"frames": 12},
		"segment_loss:level=4,l=.2@3": {"p": 4, "l": 0.2, "s": 4096},
	} {
		s, err := ParseSpec(text)
		if err != nil || !maps.Equal(s.Params, want) || s.Level == 0 {
			t.Errorf("%s: %v, level %d, %v; want %v", text, s.Params, s.Level, err, want)
		}
	}
	for text, want := range map[string]string{
		"black":                            "write KIND@START-END",
		"blakc@1-2":                        "did you mean black?",
		"zzzzzzzz@1-2":                     "the kinds are black, dark",
		"blur:sgima=3@1-2":                 "did you mean sigma?",
		"blur:sigma=x@1-2":                 `"x" is no number`,
		"blur:sigma=NaN@1-2":               "is no number",
		"blur:sigma=1000@1-2":              "outside 0.1..100 pixels",
		"blur:sigma@1-2":                   "write name=value",
		"blur:sigma=1,sigma=2@1":           "given twice",
		"silence:x=1@1-2":                  "takes no parameters",
		"silence:level=1@1-2":              "has no levels",
		"noise:level=5@1-2":                "none of 1..4",
		"noise:level=0@1-2":                "none of 1..4",
		"noise:level=1,level=2@1-2":        "given twice",
		"phase:channel=1.5@1-2":            "whole number",
		"black@3-2":                        "not after its start",
		"black@2-2":                        "not after its start",
		"black@20f-10f":                    "not after its start",
		"black@end":                        "cannot start at the end",
		"black@1-x":                        "end of black",
		"black@-1-2":                       "start of black",
		"black@1-2-3":                      "end of black",
		"packet_los:rate=2@1-2":            "did you mean packet_loss?",
		"packet_loss:rate=2@1-2":           "outside",
		strings.Repeat("a", 1000):          "does not say where",
		strings.Repeat("a", 1000) + "@1-2": "no defect kind",
	} {
		if _, err := ParseSpec(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40s: error %v, want one with %q", text, err, want)
		}
	}
}

// TestKindsAreSound holds the table against itself.
func TestKindsAreSound(t *testing.T) {
	seen := map[string]bool{}
	for _, k := range Kinds() {
		if seen[k.Name] || k.Summary == "" || k.Length <= 0 {
			t.Errorf("%s: twice, or without a summary or length", k.Name)
		}
		seen[k.Name] = true
		ways := map[Medium]int{}
		count := func(m Medium, has bool) {
			if has {
				ways[m]++
			}
		}
		count(Pictures, k.picture != nil)
		count(Pictures, k.removed != nil && k.picture == nil)
		count(Sound, k.sound != nil)
		count(k.Medium, k.substitute != nil)
		count(Timestamps, k.stamps != nil)
		count(Payload, k.damage != nil)
		count(Payload, k.loseNALs != nil)
		if len(ways) != 1 || ways[k.Medium] != 1 {
			t.Errorf("%s has not the one function of its medium", k.Name)
		}
		if k.Medium != Payload && !k.DefectOf(Params{}, 1).Known() {
			t.Errorf("%s makes the unknown defect %q", k.Name, k.Defect)
		}
		for i, level := range k.Levels {
			for name := range level {
				if !slices.ContainsFunc(k.Params, func(p Param) bool { return p.Name == name && level[name] >= p.Min && level[name] <= p.Max }) {
					t.Errorf("%s: level %d sets %s, which is no parameter of it or out of its range", k.Name, i+1, name)
				}
			}
		}
		spec, err := ParseSpec(k.Example)
		if err != nil || spec.Kind.Name != k.Name {
			t.Errorf("example of %s: %v", k.Name, err)
		}
		for _, p := range k.Params {
			if p.Default < p.Min || p.Default > p.Max || p.Help == "" {
				t.Errorf("%s: parameter %s", k.Name, p.Name)
			}
		}
		if k.check != nil {
			if err := k.check(spec.Params); err != nil {
				t.Errorf("example of %s: %v", k.Name, err)
			}
		}
	}
}

func FuzzParseSpec(f *testing.F) {
	for _, k := range Kinds() {
		f.Add(k.Example)
	}
	f.Add("stutter:drop=4@00:01:20.5-end")
	f.Add("noise:level=2@3-5")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseSpec(text)
		if err != nil {
			return
		}
		again, err := ParseSpec(s.String())
		if err != nil || again.String() != s.String() {
			t.Fatalf("%q becomes %q, then %v, %v", text, s, again, err)
		}
	})
}
