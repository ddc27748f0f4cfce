package journal

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

// What a power failure, a bad disk or a careless copy leaves behind: the journal
// opens with what can be read, says what is lost, and goes on. What a torn write
// left behind an acknowledged record costs nothing.
func TestDamage(t *testing.T) {
	const records = 300
	o := testOptions(t.TempDir())
	o.MaxBytes = 120_000 // some small files
	j := begin(t, o)
	fill(t, j, "a", 1, records)
	id := j.State().ID
	finish(t, j)
	for name, c := range map[string]struct {
		spoil  func(t *testing.T, s files)
		lost   bool // some records, acknowledged ones, are damaged
		oldest bool // so are the oldest ones: that may look like retention
	}{
		"nothing":                 {spoil: func(*testing.T, files) {}},
		"no index":                {spoil: func(t *testing.T, s files) { s.remove(t, s.index) }},
		"half an index":           {spoil: func(t *testing.T, s files) { s.cut(t, s.index, 10) }},
		"an index of noise":       {spoil: func(t *testing.T, s files) { s.write(t, s.index, []byte(strings.Repeat("noise", 100))) }},
		"zeros at the end":        {spoil: func(t *testing.T, s files) { s.append(t, s.last(), make([]byte, 5000)) }},
		"noise at the end":        {spoil: func(t *testing.T, s files) { s.append(t, s.last(), []byte(strings.Repeat("noise", 100))) }},
		"half a record more":      {spoil: func(t *testing.T, s files) { s.append(t, s.last(), s.read(t, s.last())[:150]) }},
		"a trial of the server's": {spoil: func(t *testing.T, s files) { s.write(t, filepath.Join(s.dir, "jetstream", "_test_1"), nil) }},
		"no lock":                 {spoil: func(t *testing.T, s files) { s.remove(t, filepath.Join(s.dir, "lock")) }},
		"no note":                 {spoil: func(t *testing.T, s files) { s.remove(t, filepath.Join(s.dir, "note")) }},
		"a note of noise":         {spoil: func(t *testing.T, s files) { s.write(t, filepath.Join(s.dir, "note"), []byte("x")) }},

		"a cut end":               {func(t *testing.T, s files) { s.cut(t, s.last(), 100) }, true, false},
		"an end of zeros":         {func(t *testing.T, s files) { s.blot(t, s.last(), -3000, -1) }, true, false},
		"noise in the midst":      {func(t *testing.T, s files) { s.blot(t, s.middle(), 10000, 10010) }, true, false},
		"half a file":             {func(t *testing.T, s files) { s.cut(t, s.middle(), 15000) }, true, false},
		"a file that is gone":     {func(t *testing.T, s files) { s.remove(t, s.middle()) }, true, false},
		"an empty file":           {func(t *testing.T, s files) { s.write(t, s.middle(), nil) }, true, false},
		"the last file is gone":   {func(t *testing.T, s files) { s.remove(t, s.last()) }, true, false},
		"the last file is empty":  {func(t *testing.T, s files) { s.write(t, s.last(), nil) }, true, false},
		"noise at the beginning":  {func(t *testing.T, s files) { s.blot(t, s.blocks[0], 0, 100) }, true, true},
		"the first file is gone":  {func(t *testing.T, s files) { s.remove(t, s.blocks[0]) }, true, true},
		"noise in the first file": {func(t *testing.T, s files) { s.blot(t, s.blocks[0], 10000, 10010) }, true, false},
	} {
		for _, index := range []string{"", " and no index"} {
			t.Run(name+index, func(t *testing.T) {
				o := o
				before := o.Dir
				o.Dir = t.TempDir()
				if err := os.CopyFS(o.Dir, os.DirFS(before)); err != nil {
					t.Fatal(err)
				}
				s := filesOf(t, o.Dir)
				c.spoil(t, s)
				if index != "" {
					os.Remove(s.index)
				}
				j := begin(t, o)
				gone, last := walk(t, j)
				state := j.State()
				missing := gone + records - last
				if (missing > 0) != c.lost {
					t.Errorf("%d are gone, it ends at %d", gone, last)
				}
				if state.Lost != missing && !c.oldest {
					t.Errorf("%d are said to be lost, %d are missing", state.Lost, missing)
				}
				// Sequences that will be given again are those of another journal.
				if (state.ID != id) != (last < records) {
					t.Errorf("its id was %s and is %s; it ends at %d", id, state.ID, last)
				}
				if n := appendOne(t, j, verdict("b", 1)); n != last+1 {
					t.Errorf("goes on with %d behind %d", n, last)
				}
			})
		}
	}
}

// walk follows from the first record on and counts those that gaps tell of. last
// is the newest one.
func walk(t *testing.T, j *Journal) (gone, last uint64) {
	t.Helper()
	last = j.tail.seen()
	f := follow(t, j, FromSequence(1), Filter{})
	for f.Reached() < last {
		before := f.Reached()
		r, err := tryNext(f)
		var gap *Gap
		if errors.As(err, &gap) {
			if gap.First != before+1 || gap.Last != f.Reached() {
				t.Fatalf("%v behind %d; it reached %d", gap, before, f.Reached())
			}
			gone += gap.Last - gap.First + 1
			continue
		}
		if err != nil || r.Sequence != before+1 {
			t.Fatalf("record %d, %s, follows %d: %v", r.Sequence, r.Verdict.GetId(), before, err)
		}
	}
	return gone, last
}

// files are those of a closed journal.
type files struct {
	dir, index string
	blocks     []string
}

func filesOf(t *testing.T, dir string) files {
	t.Helper()
	messages := filepath.Join(streamDirectory(dir, streamName), "msgs")
	blocks, err := filepath.Glob(filepath.Join(messages, "*.blk"))
	if err != nil || len(blocks) < 3 {
		t.Fatalf("%d files: %v", len(blocks), err)
	}
	slices.SortFunc(blocks, func(a, b string) int { return len(a) - len(b) + 10*strings.Compare(a, b) })
	return files{dir, filepath.Join(messages, "index.db"), blocks}
}

func (s files) last() string   { return s.blocks[len(s.blocks)-1] }
func (s files) middle() string { return s.blocks[len(s.blocks)/2] }

func (s files) read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func (s files) write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func (s files) append(t *testing.T, path string, data []byte) {
	s.write(t, path, append(s.read(t, path), data...))
}

// cut takes n bytes from the end.
func (s files) cut(t *testing.T, path string, n int) {
	data := s.read(t, path)
	s.write(t, path, data[:len(data)-n])
}

// blot inverts bytes; below zero counts from the end, where they become zero.
func (s files) blot(t *testing.T, path string, from, to int) {
	data := s.read(t, path)
	if from < 0 {
		clear(data[len(data)+from:])
	} else {
		for i := from; i < to; i++ {
			data[i] ^= 0xff
		}
	}
	s.write(t, path, data)
}

func (s files) remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

func TestRefused(t *testing.T) {
	j := begin(t, testOptions(t.TempDir()))
	dir := j.options.Dir
	appendOne(t, j, &streamvetv1.Verdict{Source: "a", Id: "1"})
	if _, err := Open(t.Context(), testOptions(dir)); !errors.Is(err, ErrLocked) {
		t.Errorf("open twice: %v", err)
	}
	finish(t, j)
	version := filepath.Join(dir, "version")
	good, err := os.ReadFile(version)
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]error{
		`{"format":2,"begun":true}`: ErrNewer, `{"format":99}`: ErrNewer,
		``: ErrDamaged, `{`: ErrDamaged, `{"format":0}`: ErrDamaged, `{"format":"1"}`: ErrDamaged,
	} {
		if err := os.WriteFile(version, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(t.Context(), testOptions(dir)); !errors.Is(err, want) {
			t.Errorf("version %q: %v", text, err)
		}
	}
	if err := os.Remove(version); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), testOptions(dir)); err == nil {
		t.Error("records without a version were taken")
	}
	if err := os.WriteFile(version, good, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(streamDirectory(dir, streamName), "meta.inf"), []byte("noise"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), testOptions(dir)); !errors.Is(err, ErrDamaged) {
		t.Errorf("a stream that cannot be recovered: %v", err)
	}
	for _, o := range []Options{{}, {Dir: dir, URL: "nats://localhost"}, {Dir: dir, Replicas: 9}} {
		if _, err := Open(t.Context(), o); err == nil {
			t.Errorf("%+v was taken", o)
		}
	}
}
