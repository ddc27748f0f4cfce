package engine

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/streamvet/streamvet/engine/verdict"
	"github.com/streamvet/streamvet/models"
	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

// changer is a notebook that does something when the scores of a detector reach
// a time.
type changer struct {
	notebook
	detector string
	at       time.Duration
	do       func()
}

func (c *changer) Scores(track int, s []verdict.Score) {
	c.notebook.Scores(track, s)
	for _, x := range s {
		if c.do != nil && x.Detector == c.detector && x.PTS >= c.at {
			do := c.do
			c.do = nil
			do()
		}
	}
}

// run vets url with c as the sink; in the middle c changes s.
func (c *changer) run(t *testing.T, e *Engine, url string, do func(s *Source) error) Summary {
	t.Helper()
	ready := make(chan *Source, 1)
	c.do = func() {
		if err := do(<-ready); err != nil {
			t.Errorf("the change: %v", err)
		}
	}
	s, err := e.Add(context.Background(), SourceConfig{URL: url, Sink: c})
	if err != nil {
		t.Fatal(err)
	}
	ready <- s
	sum, err := s.Wait()
	if err != nil {
		t.Fatal(err)
	}
	if c.overlaps > 0 {
		t.Errorf("%d calls of the sink at the same time", c.overlaps)
	}
	return sum
}

func version(ds []models.Detector, v string) []models.Detector {
	for i := range ds {
		ds[i].Version = v
	}
	return ds
}

// In the middle of the black stretch (2 to 3 s) and of the silence (1 to 4 s) the
// detectors change.
func TestUseInMidRun(t *testing.T) {
	e := openWith(t, shipped(t, "black", "silence"))
	c := &changer{detector: "black", at: 2500 * time.Millisecond}
	c.run(t, e, spoiled(t), func(*Source) error {
		return e.Use(append(version(shipped(t, "black"), "9.0.0"), shipped(t, "silence", "freeze")...))
	})
	black := c.of(verdict.Black, streamvetv1.State_STATE_CLEARED)
	if len(black) != 2 {
		t.Fatalf("black: %v", c.verdicts)
	}
	first, second := black[0], black[1]
	if first.DetectorVersion == "9.0.0" || second.DetectorVersion != "9.0.0" || first.Id == second.Id {
		t.Errorf("versions %s, %s, ids %s, %s", first.DetectorVersion, second.DetectorVersion, first.Id, second.Id)
	}
	if first.Start.AsDuration() != 2*time.Second || second.End.AsDuration() != 3*time.Second || second.Start.AsDuration()-first.End.AsDuration() > 100*time.Millisecond {
		t.Errorf("from %v to %v, then from %v to %v", first.Start.AsDuration(), first.End.AsDuration(), second.Start.AsDuration(), second.End.AsDuration())
	}
	if silent := c.of(verdict.Silence, streamvetv1.State_STATE_CLEARED); len(silent) != 1 || silent[0].End.AsDuration() < 3900*time.Millisecond {
		t.Errorf("silence, whose detector stayed: %v", silent)
	}
	if _, ok := c.last["freeze"]; !ok {
		t.Error("the new detector gave no score")
	}
}

func TestSelectOneSource(t *testing.T) {
	e := openWith(t, shipped(t, "black", "freeze", "silence"))
	blind := verdict.Rule{Raise: 1, Clear: 1, MinDuration: time.Hour}
	sel := Selection{Only: []string{"black", "silence"}, Rules: map[RuleKey]verdict.Rule{{"black", verdict.Black}: blind}}
	c := &changer{detector: "black", at: 2500 * time.Millisecond}
	c.run(t, e, spoiled(t), func(s *Source) error { return s.Select(sel) })
	// The verdict that was open went on under a rule that nothing reaches, and ended.
	if black := c.of(verdict.Black, streamvetv1.State_STATE_CLEARED); len(black) != 1 || black[0].End.AsDuration() > 3*time.Second {
		t.Errorf("black: %v", black)
	}
	if at := c.last["freeze"].PTS; at > 2600*time.Millisecond {
		t.Errorf("freeze still scored at %v", at)
	}
	n := &notebook{}
	s, err := e.Add(context.Background(), SourceConfig{URL: spoiled(t), Sink: n, Selection: sel})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Wait(); err != nil {
		t.Fatal(err)
	}
	if len(n.of(verdict.Black, streamvetv1.State_STATE_RAISED)) != 0 || n.last["silence"].Detector == "" || n.last["freeze"].Detector != "" {
		t.Errorf("a source that chose from the start: %v, %v", n.verdicts, n.last)
	}
}

// Networks come and go while pictures are on their way to them.
func TestUseExchangesNetworks(t *testing.T) {
	often := models.Sampling{Every: 40 * time.Millisecond}
	e := openWith(t, []models.Detector{brightest(t, often)})
	first := e.lineup.networks[0]
	c := &changer{detector: "brightest", at: 3 * time.Second}
	sum := c.run(t, e, boxed(t, "200x120"), func(*Source) error {
		return e.Use(version([]models.Detector{brightest(t, often)}, "2.0.0"))
	})
	if sum.Stages.Looks != 150 || c.scores != 150 {
		t.Errorf("%d looks, %d scores of 150 pictures", sum.Stages.Looks, c.scores)
	}
	if first.retain() {
		t.Error("the network that went is still open")
	}
	if got := c.of(verdict.BlockCorruption, streamvetv1.State_STATE_CLEARED); len(got) != 2 || got[1].DetectorVersion != "2.0.0" {
		t.Errorf("verdicts: %v", got)
	}
	kept := e.lineup.networks[0]
	if err := e.Use(append(shipped(t, "black"), version([]models.Detector{brightest(t, often)}, "2.0.0")...)); err != nil {
		t.Fatal(err)
	}
	if e.lineup.networks[0] != kept {
		t.Error("the same network was loaded again")
	}
}

func TestBadChangesLeaveAllAsItWas(t *testing.T) {
	e := openWith(t, shipped(t, "black"))
	broken := brightest(t, models.Sampling{Every: time.Second})
	broken.ONNX = []byte("no network")
	wrong := shipped(t, "freeze")
	wrong[0].Measure = "does not exist"
	for name, ds := range map[string][]models.Detector{"none": nil, "a broken network": {broken}, "a wrong form": wrong} {
		if err := e.Use(ds); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if ds := e.Detectors(); len(ds) != 1 || ds[0].Name != "black" {
		t.Errorf("in force: %v", ds)
	}
	for name, c := range map[string]struct {
		sel  Selection
		says string
	}{
		"unknown":        {Selection{Only: []string{"blcak"}}, `"blcak" is not loaded`},
		"nothing left":   {Selection{Without: []string{"black"}}, "no detector is left"},
		"another defect": {Selection{Rules: map[RuleKey]verdict.Rule{{"black", verdict.Freeze}: {Raise: 1}}}, "does not score"},
		"a bad rule":     {Selection{Rules: map[RuleKey]verdict.Rule{{"black", verdict.Black}: {Raise: 2}}}, "raise 2"},
	} {
		_, err := e.Add(context.Background(), SourceConfig{URL: "/dev/null", Sink: &notebook{}, Selection: c.sel})
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// shadowed is a notebook that takes what shadows find as well.
type shadowed struct {
	notebook
	shadows []*streamvetv1.Verdict
	scored  map[string]int // scores of shadows, by detector
}

func (s *shadowed) Shadow(v *streamvetv1.Verdict) { s.shadows = append(s.shadows, v) }

func (s *shadowed) ShadowScores(_ int, scores []verdict.Score) {
	for _, one := range scores {
		s.scored[one.Detector]++
	}
}

// A newer version runs beside the one in force, and its verdicts are told apart.
func TestShadow(t *testing.T) {
	e := openWith(t, shipped(t, "black"))
	newer := version(shipped(t, "black"), "9.0.0")
	if err := e.Use(shipped(t, "black", "silence"), append(newer, brightest(t, models.Sampling{Every: 200 * time.Millisecond}))...); err != nil {
		t.Fatal(err)
	}
	n := &shadowed{scored: map[string]int{}}
	s, err := e.Add(context.Background(), SourceConfig{URL: spoiled(t), Sink: n})
	if err != nil {
		t.Fatal(err)
	}
	sum, err := s.Wait()
	if err != nil {
		t.Fatal(err)
	}
	if got := n.of(verdict.Black, streamvetv1.State_STATE_CLEARED); len(got) != 1 || got[0].DetectorVersion == "9.0.0" || sum.ByDefect[verdict.Black] != 1 {
		t.Errorf("the one in force: %v", got)
	}
	black := 0
	for _, v := range n.shadows {
		if v.Defect == string(verdict.Black) && v.State == streamvetv1.State_STATE_CLEARED {
			black++
			if v.Detector != "black" || v.DetectorVersion != "9.0.0" || v.Start.AsDuration() != 2*time.Second {
				t.Errorf("the shadow: %v", v)
			}
		}
	}
	if black != 1 || sum.Stages.Looks != 30 {
		t.Errorf("%d verdicts of the shadow, %d looks of the network that is one", black, sum.Stages.Looks)
	}
	if n.scored["black"] != 150 || n.scored["brightest"] != 30 || len(n.scored) != 2 {
		t.Errorf("scores of shadows: %v", n.scored)
	}
	for name := range n.last {
		if name != "black" && name != "silence" {
			t.Errorf("the sink was told scores of %s", name)
		}
	}
	if len(e.Detectors()) != 2 {
		t.Errorf("in force: %v", e.Detectors())
	}
}
