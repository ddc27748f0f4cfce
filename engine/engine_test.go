package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/streamvet/streamvet/engine/verdict"
	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

func vet(t *testing.T, e *Engine, url string) (*notebook, Summary) {
	t.Helper()
	n := &notebook{}
	s, err := e.Add(context.Background(), SourceConfig{URL: url, Sink: n})
	if err != nil {
		t.Fatal(err)
	}
	sum, err := s.Wait()
	if err != nil {
		t.Fatal(err)
	}
	if n.overlaps > 0 {
		t.Errorf("the sink was called %d times while it was busy", n.overlaps)
	}
	return n, sum
}

func TestDefectsAreFoundWhereTheyAre(t *testing.T) {
	n, sum := vet(t, openAll(t), spoiled(t))
	for _, want := range []struct {
		defect     verdict.Defect
		start, end time.Duration
		within     time.Duration
	}{
		{verdict.Black, 2 * time.Second, 3 * time.Second, 80 * time.Millisecond},
		{verdict.Silence, time.Second, 4 * time.Second, 50 * time.Millisecond},
	} {
		raised, cleared := n.of(want.defect, streamvetv1.State_STATE_RAISED), n.of(want.defect, streamvetv1.State_STATE_CLEARED)
		if len(raised) != 1 || len(cleared) != 1 {
			t.Fatalf("%s: raised %d times, cleared %d times", want.defect, len(raised), len(cleared))
		}
		v := cleared[0]
		if (v.Start.AsDuration()-want.start).Abs() > want.within || (v.End.AsDuration()-want.end).Abs() > want.within {
			t.Errorf("%s: found at %v to %v, want %v to %v", want.defect, v.Start.AsDuration(), v.End.AsDuration(), want.start, want.end)
		}
		if raised[0].Id != v.Id {
			t.Errorf("%s: raised as %s, cleared as %s", want.defect, raised[0].Id, v.Id)
		}
	}
	if e := n.of(verdict.Black, streamvetv1.State_STATE_RAISED)[0].Evidence; e == nil || e.MediaType != "image/jpeg" || len(e.Data) < 500 {
		t.Errorf("no picture of the black picture: %v", e)
	}
	if sum.Frames != 150 || sum.ByDefect[verdict.Black] != 1 || sum.Open != 0 {
		t.Errorf("summary: %+v", sum)
	}
	if n.peaks < 590 || n.peaks > 601 {
		t.Errorf("%d peaks of 10 ms in 6 s of sound", n.peaks)
	}
}

// The same input gives the same verdicts, alone or beside others.
func TestVerdictsDoNotDependOnCompany(t *testing.T) {
	e, path := openAll(t), spoiled(t)
	alone, _ := vet(t, e, path)
	want := transcript(alone)
	var notes []*notebook
	var sources []*Source
	for range 3 {
		n := &notebook{}
		s, err := e.Add(context.Background(), SourceConfig{URL: path, Sink: n})
		if err != nil {
			t.Fatal(err)
		}
		notes, sources = append(notes, n), append(sources, s)
	}
	for i, s := range sources {
		if _, err := s.Wait(); err != nil {
			t.Fatal(err)
		}
		if got := transcript(notes[i]); got != want {
			t.Errorf("source %d:\n%s\nalone:\n%s", i, got, want)
		}
	}
}

// transcript is every verdict by track and defect, in order, without wall times.
func transcript(n *notebook) string {
	lines := map[string]string{}
	var keys []string
	for _, v := range n.verdicts {
		k := fmt.Sprintf("%d/%s", v.Track, v.Defect)
		if lines[k] == "" {
			keys = append(keys, k)
		}
		lines[k] += fmt.Sprintf("%s %s %v %v %.6f\n", v.Id, v.State, v.Start.AsDuration(), v.End.AsDuration(), v.Score)
	}
	var b strings.Builder
	for _, d := range verdict.Defects() {
		for _, k := range keys {
			if strings.HasSuffix(k, "/"+string(d)) {
				b.WriteString(lines[k])
			}
		}
	}
	return b.String()
}

func TestWhatCannotBeOpenedLeavesTheOthersAlone(t *testing.T) {
	e := openWith(t, shipped(t, "black", "silence"))
	good := &notebook{}
	s, err := e.Add(context.Background(), SourceConfig{URL: spoiled(t), Sink: good})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	garbage, empty := filepath.Join(dir, "garbage.mp4"), filepath.Join(dir, "empty.mp4")
	os.WriteFile(garbage, []byte(strings.Repeat("this is no film. ", 5000)), 0o644)
	os.WriteFile(empty, nil, 0o644)
	for _, bad := range []string{garbage, empty, dir, filepath.Join(dir, "absent.mp4")} {
		if _, err := e.Add(context.Background(), SourceConfig{URL: bad, Sink: &notebook{}}); err == nil {
			t.Errorf("%s was opened", bad)
		} else if !strings.Contains(err.Error(), bad) {
			t.Errorf("the error does not name the input: %v", err)
		}
	}
	if _, err := s.Wait(); err != nil {
		t.Fatal(err)
	}
	if len(good.of(verdict.Black, streamvetv1.State_STATE_CLEARED)) != 1 {
		t.Error("the good input's black picture was not found")
	}
}

func TestStoppedSourcesTellWhatTheyFound(t *testing.T) {
	e := openWith(t, shipped(t, "black", "silence"))
	long := clip(t, "long.mkv", "-f", "lavfi", "-i", "color=black:size=640x360:rate=25:duration=120", "-c:v", "mpeg4")
	n := &notebook{}
	raised := make(chan struct{})
	s, err := e.Add(context.Background(), SourceConfig{URL: long, Sink: &tripwire{notebook: n, raised: raised}})
	if err != nil {
		t.Fatal(err)
	}
	<-raised
	s.Stop()
	sum, err := s.Wait()
	if err != nil {
		t.Fatal(err)
	}
	if !sum.Stopped || sum.Open != 0 || len(n.of(verdict.Black, streamvetv1.State_STATE_CLEARED)) != 1 {
		t.Errorf("stopped %v, open %d, verdicts %v", sum.Stopped, sum.Open, n.verdicts)
	}
}

// tripwire tells when the first verdict comes.
type tripwire struct {
	*notebook
	raised chan struct{}
}

func (w *tripwire) Verdict(v *streamvetv1.Verdict) {
	w.notebook.Verdict(v)
	if len(w.verdicts) == 1 {
		close(w.raised)
	}
}

func TestCloseEndsWhatRuns(t *testing.T) {
	e := openWith(t, shipped(t, "black"))
	s, err := e.Add(context.Background(), SourceConfig{URL: spoiled(t), Sink: &notebook{}})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case <-s.Done():
	default:
		t.Error("a source runs after Close")
	}
	if _, err := e.Add(context.Background(), SourceConfig{URL: "x", Sink: &notebook{}}); !errors.Is(err, ErrClosed) {
		t.Errorf("Add after Close: %v", err)
	}
}

func TestOpenTellsWhatIsWrong(t *testing.T) {
	bad := shipped(t, "black")
	bad[0].Measure = "blakc"
	for _, c := range []struct {
		config Config
		want   string
	}{
		{Config{}, "no detectors"},
		{Config{Detectors: shipped(t, "black"), Device: "gpu"}, `"gpu"`},
		{Config{Detectors: bad}, "blakc"},
		{Config{Detectors: shipped(t, "black"), DecoderThreads: -1}, "decoder threads"},
	} {
		if _, err := Open(c.config); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("want %s, got %v", c.want, err)
		}
	}
}

func TestRecordsTurnBack(t *testing.T) {
	v := verdict.Verdict{
		Source: "clip", Track: 3, Defect: verdict.Black, Detector: "black", State: verdict.Cleared, Severity: verdict.Major,
		Start: time.Second, End: 2 * time.Second, Peak: 0.75, PeakAt: 1500 * time.Millisecond, Reading: 0.5,
		Region: &verdict.Region{X: 0.1, Y: 0.2, Width: 0.3, Height: 0.4},
	}
	got := FromRecord(newScribe(shipped(t, "black")).record(v))
	if region := got.Region; region == nil || *region != *v.Region {
		t.Errorf("region %v", region)
	}
	got.Region = v.Region
	if got != v {
		t.Errorf("got %+v, want %+v", got, v)
	}
}

// A source ends where it is told to, its verdicts too; what lies behind is not looked for.
func TestUntil(t *testing.T) {
	e := openAll(t)
	n := &notebook{}
	s, err := e.Add(context.Background(), SourceConfig{URL: spoiled(t), Sink: n, Until: 2500 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	sum, err := s.Wait()
	if err != nil || !sum.Cut || sum.Position < 2500*time.Millisecond || sum.Position > 2600*time.Millisecond || sum.Frames != 63 {
		t.Errorf("%d pictures until %v, cut %v: %v", sum.Frames, sum.Position, sum.Cut, err)
	}
	for _, d := range []verdict.Defect{verdict.Black, verdict.Silence} {
		if got := n.of(d, streamvetv1.State_STATE_CLEARED); len(got) != 1 || got[0].End.AsDuration() > 2600*time.Millisecond {
			t.Errorf("%s: %v", d, got)
		}
	}
	if got := n.of(verdict.DecodeError, streamvetv1.State_STATE_RAISED); len(got) > 0 {
		t.Errorf("what was left out passes for damage: %v", got)
	}
}
