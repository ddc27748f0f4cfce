package gpucheck

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/streamvet/streamvet/engine/frame"
	"github.com/streamvet/streamvet/engine/verdict"
)

func TestReadPCIe(t *testing.T) {
	const head = "# gpu   rxpci  txpci \n# Idx    MB/s   MB/s \n"
	for _, c := range []struct {
		name, text string
		want       pcieReading // no readings: an error
	}{
		{"two readings", head + "    0      10      4 \n    0      20      0 \n", pcieReading{15, 2, 2}},
		{"other columns before", "# gpu    sm  rxpci  txpci\n    0     7      3      1\n", pcieReading{3, 1, 1}},
		{"a header again", head + "    0   10   4\n" + head + "    0   10   4\n", pcieReading{10, 4, 2}},
		{"a line that was cut", head + "    0   10   4\n    0   1", pcieReading{10, 4, 1}},
		{"not known here", head + "    0      -      -\n", pcieReading{}},
		{"no such columns", "# gpu sm\n 0 3\n", pcieReading{}},
		{"nothing", "", pcieReading{}},
	} {
		got, err := readPCIe(c.text)
		if (err == nil) != (c.want.Readings > 0) || err == nil && *got != c.want {
			t.Errorf("%s: %+v, %v; want %+v", c.name, got, err, c.want)
		}
	}
}

func TestReadProfile(t *testing.T) {
	const head = `"ID","Kernel Name","Metric Name","Metric Unit","Metric Value"` + "\n"
	for _, c := range []struct {
		name, text string
		want       []profiled
	}{
		{"units", "==PROF== talk\n" + head +
			`"0","b(const void *, int)","gpu__time_duration.sum","nsecond","1,500"` + "\n" +
			`"1","a","gpu__time_duration.sum","us","2"` + "\n" + `"2","a","gpu__time_duration.sum","us","4"` + "\n" +
			`"3","a","sm__cycles.sum","cycle","999"` + "\n",
			[]profiled{{"a", 3, 2}, {"b", 1.5, 1}}},
		{"no counters for this user", "==ERROR== ERR_NVGPUCTRPERM - The user does not have permission\n", nil},
		{"a header alone", head, nil},
	} {
		if got := readProfile([]byte(c.text)); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestReadTests(t *testing.T) {
	passed, failed := tests([]byte("=== RUN   A\n--- FAIL: A (0.1s)\n    --- PASS: A/b (0.0s)\n    --- FAIL: A/c (0.0s)\n    --- SKIP: A/d (0.0s)\nFAIL\n"))
	if !slices.Equal(passed, []string{"A/b"}) || !slices.Equal(failed, []string{"A", "A/c"}) {
		t.Errorf("passed %v, failed %v", passed, failed)
	}
}

func TestVersionsOfWheels(t *testing.T) {
	site := t.TempDir()
	for name, record := range map[string]string{
		"nvidia_cudnn_cu13-9.19.0.56.dist-info": "nvidia/cudnn/lib/libcudnn.so.9,sha256=x,1\n",
		"nvidia_cublas-13.0.2.14.dist-info":     "nvidia/cu13/lib/libcublas.so.13,sha256=x,1\n",
	} {
		if err := os.Mkdir(filepath.Join(site, name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(site, name, "RECORD"), []byte(record), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for path, want := range map[string]string{
		"/nvidia/cudnn/lib/libcudnn.so.9": "nvidia_cudnn_cu13-9.19.0.56", "/nvidia/cu13/lib/libcublas.so.13": "nvidia_cublas-13.0.2.14",
		"/nvidia/cu13/lib/libother.so": "",
	} {
		if got := versionOf(site + path); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
	if got := versionOf("/usr/lib/x86_64-linux-gnu/libcuda.so.580.159.04"); got != "" {
		t.Errorf("of a file outside: %q", got)
	}
}

func TestDifferencesAreTold(t *testing.T) {
	picture := func(level uint64, max uint32) measured {
		return measured{time.Second, frame.Measures{Sum: 100 * level, Pixels: 100, Max: max}}
	}
	for _, c := range []struct {
		name      string
		want, got []measured
		different int
		text      string
	}{
		{"none", []measured{picture(1, 2)}, []measured{picture(1, 2)}, 0, "no picture differs"},
		{"a field", []measured{picture(1, 2), picture(1, 2)}, []measured{picture(1, 2), picture(1, 3)}, 1, "picture 1; the mean level is off by 0.000 at most; it differs Max in 1"},
		{"the level", []measured{picture(1, 2)}, []measured{picture(4, 2)}, 1, "off by 3.000 at most; it differs Sum in 1"},
		{"one too many", []measured{picture(1, 2)}, []measured{picture(1, 2), picture(1, 2)}, 1, "more pictures in 1"},
		{"the time", []measured{picture(1, 2)}, []measured{{2 * time.Second, picture(1, 2).Measures}}, 1, "PTS in 1"},
	} {
		d := differences{want: c.want}
		for _, m := range c.got {
			d.compare(m)
		}
		if d.different != c.different || !strings.Contains(d.text(), c.text) {
			t.Errorf("%s: %d differ: %s", c.name, d.different, d.text())
		}
	}
}

func TestScoresAreCompared(t *testing.T) {
	score := func(at time.Duration, value float64) verdict.Score { return verdict.Score{PTS: at, Value: value} }
	a := []verdict.Score{score(0, 0.5), score(1, 0.25)}
	for _, c := range []struct {
		name    string
		b       []verdict.Score
		unequal int
		first   string
		off     float64
	}{
		{"the same", []verdict.Score{score(0, 0.5), score(1, 0.25)}, 0, "", 0},
		{"another value", []verdict.Score{score(0, 0.5), score(1, 0.75)}, 1, "at 1ns: 0.25 (0) on the CPU, 0.75 (0) on the GPU", 0.5},
		{"another time", []verdict.Score{score(0, 0.5), score(2, 0.25)}, 1, "at 1ns", 1},
		{"one is missing", a[:1], 1, "at 1ns is missing", 1},
		{"one too many", append(slices.Clone(a), score(2, 0)), 1, "at 2ns is one too many", 1},
		{"a region", []verdict.Score{{Value: 0.5, Region: &verdict.Region{Width: 1}}, score(1, 0.25)}, 1, "at 0s", 0},
	} {
		n, first := unequal(a, c.b)
		if n != c.unequal || !strings.HasPrefix(first, c.first) || off(a, c.b) != c.off {
			t.Errorf("%s: %d unequal, the first %q, off by %v", c.name, n, first, off(a, c.b))
		}
	}
	if got := without([]string{"a", "a", "b"}, []string{"a", "c"}); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("without: %v", got)
	}
}

func TestLongListsAreCut(t *testing.T) {
	if got := list("x", []string{"1", "2", "3", "4", "5", "6", "7", "8"}); strings.Count(got, "\n") != 7 || !strings.HasSuffix(got, "x: 2 more") {
		t.Errorf("%q", got)
	}
}

// A crowd grows to what is asked for, counts its members' pictures, and tells the
// error of one that cannot go on.
func TestCrowd(t *testing.T) {
	ctx := t.Context()
	c := gather(ctx, func(ctx context.Context, m *member) error {
		m.frames.Add(1)
		<-ctx.Done()
		return ctx.Err()
	})
	if err := errors.Join(c.grow(ctx, 2), c.grow(ctx, 5)); err != nil || c.frames() != 5 {
		t.Errorf("%d pictures, %v", c.frames(), err)
	}
	if err := c.end(); err != nil {
		t.Errorf("a crowd that was stopped: %v", err)
	}
	broken := errors.New("no more memory")
	c = gather(ctx, func(context.Context, *member) error { return broken })
	if err := c.grow(ctx, 2); !errors.Is(err, broken) {
		t.Errorf("a crowd that cannot grow: %v", err)
	}
	if err := c.end(); !errors.Is(err, broken) {
		t.Errorf("its end: %v", err)
	}
}

func TestNumbers(t *testing.T) {
	for v, want := range map[float64]string{4482.4: "4482", 98.26: "98.3", 1.234: "1.23", 0.9321: "0.932", 0: "0", -2: "-2.00"} {
		if got := number(v); got != want {
			t.Errorf("%v is %q, want %q", v, got, want)
		}
	}
}
