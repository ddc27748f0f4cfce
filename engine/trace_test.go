package engine

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

// diary is a tracer that writes down every second picture.
type diary struct {
	mu     sync.Mutex
	asked  int
	traces []*diaryPage
}

type diaryPage struct {
	diary    *diary
	pts      time.Duration
	stages   []string
	verdicts []string
	ends     int
	wrong    []string
}

func (d *diary) Picture(_ string, pts time.Duration) Trace {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked++
	if d.asked%2 == 0 {
		return nil
	}
	d.traces = append(d.traces, &diaryPage{diary: d, pts: pts})
	return d.traces[len(d.traces)-1]
}

func (p *diaryPage) Stage(name string, began, ended time.Time) {
	p.diary.mu.Lock()
	defer p.diary.mu.Unlock()
	p.stages = append(p.stages, name)
	if ended.Before(began) || p.ends > 0 {
		p.wrong = append(p.wrong, name)
	}
}

func (p *diaryPage) Verdict(v *streamvetv1.Verdict) {
	p.diary.mu.Lock()
	defer p.diary.mu.Unlock()
	p.verdicts = append(p.verdicts, v.Defect)
	if p.ends > 0 {
		p.wrong = append(p.wrong, v.Defect)
	}
}

func (p *diaryPage) End() {
	p.diary.mu.Lock()
	defer p.diary.mu.Unlock()
	p.ends++
}

// A traced picture tells of each stage of its way, of the verdicts that it led to,
// and ends once, also where the source is stopped.
func TestTracesOfPictures(t *testing.T) {
	d := &diary{}
	e, err := Open(Config{Detectors: shipped(t, "black", "block_corruption"), Device: "cpu", ORTLibrary: environment(t, "STREAMVET_ORT_LIB"), Tracer: d})
	if err != nil {
		t.Fatal(err)
	}
	path := spoiled(t)
	_, sum := vet(t, e, path)
	if int64(d.asked) != sum.Frames || int64(len(d.traces)) != (sum.Frames+1)/2 {
		t.Errorf("it was asked for %d pictures, %d are traced, of %d", d.asked, len(d.traces), sum.Frames)
	}
	looked, raised := 0, 0
	for _, p := range d.traces {
		want := []string{"decode", "measure", "judge"}
		if slices.Contains(p.stages, "inference") {
			looked++
			want = append(want, "slot_wait", "prepare", "queue_wait", "inference")
		}
		if !slices.Equal(p.stages, want) || p.ends != 1 || len(p.wrong) > 0 {
			t.Errorf("the picture at %v has %v, ends %d times, wrong is %v", p.pts, p.stages, p.ends, p.wrong)
		}
		raised += len(p.verdicts)
	}
	if looked == 0 || looked > int(sum.Stages.Looks) || raised == 0 {
		t.Errorf("%d traces have looks of networks, %d verdicts", looked, raised)
	}

	stopped := &tripwire{notebook: &notebook{}, raised: make(chan struct{})}
	s, err := e.Add(context.Background(), SourceConfig{URL: path, Sink: stopped})
	if err != nil {
		t.Fatal(err)
	}
	<-stopped.raised
	s.Stop()
	s.Wait()
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	for _, p := range d.traces {
		if p.ends != 1 {
			t.Errorf("the picture at %v of a stopped source ends %d times", p.pts, p.ends)
		}
	}
}
