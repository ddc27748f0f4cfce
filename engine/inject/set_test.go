package inject

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

func setPlan(t testing.TB, kinds ...string) SetPlan {
	t.Helper()
	long, mute := filepath.Join(clipDir, "set-long.mkv"), filepath.Join(clipDir, "set-mute.mkv")
	if _, err := os.Stat(mute); err != nil {
		ffmpeg(t, "-stream_loop", "1", "-i", clip(t), "-t", "6.5", "-c", "copy", long)
		ffmpeg(t, "-i", long, "-an", "-c", "copy", mute)
	}
	clips, err := FindClips([]string{long, mute})
	if err != nil {
		t.Fatal(err)
	}
	return SetPlan{SetShape: SetShape{Seed: 3, Container: ".mkv", Encoder: "mpeg4", Quality: -1, Seconds: 10}, Clips: clips, Kinds: kinds}
}

func buildSet(t testing.TB, dir string, p SetPlan) SetResult {
	t.Helper()
	r, err := BuildSet(t.Context(), tools(t), dir, p, 2, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestASetHasControlsAndItemsAndTruths(t *testing.T) {
	dir := t.TempDir()
	r := buildSet(t, dir, setPlan(t, "noise", "silence", "packet_loss:2"))
	if len(r.Failed) != 0 || len(r.LeftOut) != 0 {
		t.Fatalf("failed %v, left out %v", r.Failed, r.LeftOut)
	}
	// Two controls, noise at four levels for both, silence for the one with sound, damage for both.
	if len(r.Set.Clips) != 2 || len(r.Set.Items) != 2+8+1+2 || r.Made != len(r.Set.Items) {
		t.Fatalf("%d clips, %d items, %d made", len(r.Set.Clips), len(r.Set.Items), r.Made)
	}
	set, err := LoadSet(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range set.Items {
		truth, err := LoadTruth(filepath.Join(dir, i.Truth))
		if err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(filepath.Join(dir, i.Media))
		if err != nil || info.Size() != truth.MediaBytes {
			t.Errorf("%s: %v, %d bytes in the truth", i.ID, err, truth.MediaBytes)
		}
		if i.Clean() != (len(truth.Defects) == 0) {
			t.Errorf("%s: %d defects", i.ID, len(truth.Defects))
		}
		for _, e := range truth.Defects {
			if e.Kind != i.Kind || e.Level != i.Level || e.Start < setLead-0.05 {
				t.Errorf("%s: %+v", i.ID, e)
			}
		}
	}
	left, _ := filepath.Glob(filepath.Join(dir, "items", ".*"))
	if left != nil {
		t.Errorf("left behind: %v", left)
	}
}

func TestASetGoesOnWhereItWasLeft(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	_, err := BuildSet(ctx, tools(t), dir, setPlan(t, "black", "blur:4"), 1, func(p SetProgress) {
		if p.Step == "make items" && p.Done == 2 {
			cancel()
		}
	})
	if err == nil {
		t.Fatal("no error after a cancel")
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "items", ".*")); left != nil {
		t.Errorf("left behind: %v", left)
	}
	r := buildSet(t, dir, setPlan(t, "black", "blur:4"))
	if r.There != 2 || r.Made != len(r.Set.Items)-2 {
		t.Errorf("%d were there and %d made, of %d", r.There, r.Made, len(r.Set.Items))
	}
	// A file that is not what its truth says is made again.
	media := filepath.Join(dir, r.Set.Items[0].Media)
	if err := os.WriteFile(media, []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	if again := buildSet(t, dir, setPlan(t, "black", "blur:4")); again.Made != 1 {
		t.Errorf("%d made", again.Made)
	}
	// Another kind joins; what is there stays.
	more := buildSet(t, dir, setPlan(t, "solid_color"))
	if more.Made != 2 || len(more.Set.Items) != len(r.Set.Items)+2 {
		t.Errorf("%d made, %d items", more.Made, len(more.Set.Items))
	}
	other := setPlan(t, "black")
	other.Seed++
	if _, err := BuildSet(t.Context(), tools(t), dir, other, 1, nil); err == nil || !strings.Contains(err.Error(), "made with other options") {
		t.Errorf("error %v", err)
	}
}

// TestTwoRunsMakeOneSet lets them work on one folder at the same time.
func TestTwoRunsMakeOneSet(t *testing.T) {
	dir := t.TempDir()
	var results [2]SetResult
	var errs [2]error
	var group sync.WaitGroup
	for i := range 2 {
		group.Go(func() {
			results[i], errs[i] = BuildSet(t.Context(), tools(t), dir, setPlan(t, "black", "noise"), 2, nil)
		})
	}
	group.Wait()
	if errs[0] != nil || errs[1] != nil {
		t.Fatal(errs)
	}
	total := len(results[0].Set.Items)
	if made := results[0].Made + results[1].Made; made != total || results[0].There+results[0].Made != total || results[1].There+results[1].Made != total {
		t.Errorf("%d and %d made, %d and %d there, of %d", results[0].Made, results[1].Made, results[0].There, results[1].There, total)
	}
}

func TestTheSameSeedMakesTheSameSet(t *testing.T) {
	plan := func(seed uint64, perLevel int) []string {
		p := setPlan(t, "noise", "freeze", "click", "packet_burst")
		p.Seed, p.PerLevel = seed, perLevel
		b := &setBuilder{tools: tools(t), plan: p, progress: func(SetProgress) {}}
		clips, err := b.lookAtAll(t.Context(), 1)
		if err != nil {
			t.Fatal(err)
		}
		set, _, err := p.planSet(t.Context(), tools(t), clips)
		if err != nil {
			t.Fatal(err)
		}
		var specs []string
		for _, i := range set.Items {
			specs = append(specs, i.ID+" "+i.Spec)
		}
		return specs
	}
	if !slices.Equal(plan(1, 0), plan(1, 0)) || slices.Equal(plan(1, 0), plan(2, 0)) {
		t.Error("the seed does not decide")
	}
	// One clip a level: everything but the controls is half as much; clicks need sound.
	if all, one := len(plan(1, 0)), len(plan(1, 1)); all != 2+8+10+4+8 || one != 2+4+5+4+4 {
		t.Errorf("%d items, %d with one clip a level", all, one)
	}
}

func TestSetsThatCannotBeAreRefused(t *testing.T) {
	for want, change := range map[string]func(*SetPlan){
		"name clips":                 func(p *SetPlan) { p.Clips = nil },
		"no extension":               func(p *SetPlan) { p.Container = "mkv" },
		"did you mean noise":         func(p *SetPlan) { p.Kinds = []string{"nois"} },
		"none of 1..4":               func(p *SetPlan) { p.Kinds = []string{"noise:7"} },
		"3 are the least":            func(p *SetPlan) { p.Seconds = 1 },
		"none of the clips can be u": func(p *SetPlan) { p.Clips = []SetClip{{Path: "/nowhere.mp4"}} },
		"number cannot be negative":  func(p *SetPlan) { p.PerLevel = -1 },
	} {
		p := setPlan(t, "noise")
		change(&p)
		if _, err := BuildSet(t.Context(), tools(t), t.TempDir(), p, 1, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
	// What the encoder cannot do is left out with the reason, and the rest is made.
	r := buildSet(t, t.TempDir(), setPlan(t, "nal_loss:1", "compression:4", "phase", "black"))
	if len(r.LeftOut) != 2 || !strings.Contains(r.LeftOut[0], "compression:4: qp 47") && !strings.Contains(r.LeftOut[1], "compression:4: qp 47") || r.Made != 2+2+1 {
		t.Errorf("left out %q, made %d", r.LeftOut, r.Made)
	}
}

// MPEG-2 knows only some rates: a clip at another one is left out, with the reason.
func TestClipsThatCannotBeEncodedAreLeftOut(t *testing.T) {
	slow := filepath.Join(t.TempDir(), "slow.mkv")
	ffmpeg(t, "-f", "lavfi", "-i", "testsrc2=s=160x90:r=25/2:d=6,format=yuv420p", "-c:v", "ffv1", slow)
	p := setPlan(t, "black")
	p.Encoder = "mpeg2video"
	more, err := FindClips([]string{slow})
	if err != nil {
		t.Fatal(err)
	}
	p.Clips = append(p.Clips, more...)
	r := buildSet(t, t.TempDir(), p)
	if len(r.Set.Clips) != 2 || len(r.LeftOut) != 1 || !strings.Contains(r.LeftOut[0], "cannot code 25/2") {
		t.Errorf("%d clips, left out %q", len(r.Set.Clips), r.LeftOut)
	}
}

func someSet() Set {
	return Set{Version: SetVersion, Options: SetShape{Seed: 1, Container: ".ts", Quality: -1, Seconds: 10},
		Clips: []SetClip{{ID: "a", Path: "/a.mp4", Group: "g", Collection: "c", Length: 10}},
		Items: []SetItem{{ID: "a-clean", Clip: "a", Media: "items/a-clean.ts", Truth: "items/a-clean.json"},
			{ID: "a-noise-2", Clip: "a", Kind: "noise", Level: 2, Spec: "noise:level=2@3-5", Control: "a-clean", Media: "items/a.ts", Truth: "items/a.json"}}}
}

func TestManifestsThatDoNotFitAreRefused(t *testing.T) {
	if err := someSet().Validate(); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*Set){
		"version 2 is not known":          func(s *Set) { s.Version = 2 },
		"no id of its own":                func(s *Set) { s.Items[1].ID = "a-clean" },
		`clip "a" has no id of its own`:   func(s *Set) { s.Clips = append(s.Clips, s.Clips[0]) },
		"group or collection is missing":  func(s *Set) { s.Clips[0].Group = "" },
		"is no stretch":                   func(s *Set) { s.Clips[0].Length = 0 },
		`there is no clip "b"`:            func(s *Set) { s.Items[0].Clip = "b" },
		"does not lie in the folder":      func(s *Set) { s.Items[0].Media = "../a.ts" },
		"lie in the folder of the set":    func(s *Set) { s.Items[1].Truth = "/etc/passwd" },
		"is no control of its clip":       func(s *Set) { s.Items[1].Control = "a-noise-2" },
		"a control has no control":        func(s *Set) { s.Items[0].Control = "a-noise-2" },
		"spec: ":                          func(s *Set) { s.Items[1].Spec = "noise" },
		"is not of kind blur at level 2":  func(s *Set) { s.Items[1].Kind = "blur" },
		"is not of kind noise at level 3": func(s *Set) { s.Items[1].Level = 3 },
	} {
		s := someSet()
		change(&s)
		if err := s.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}

func TestListsOfClips(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a.mp4", "sub/b.MKV", "sub/c.txt"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	list := filepath.Join(dir, "list.tsv")
	text := "path\tgroup\twidth\tcollection\tlicence\nsub/b.MKV\tscene\t320\trepo\tCC0\n\na.mp4\n"
	if err := os.WriteFile(list, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := FindClips([]string{dir, list})
	if err != nil || len(got) != 4 {
		t.Fatalf("%v, %v", got, err)
	}
	want := []SetClip{
		{Path: filepath.Join(dir, "a.mp4"), Group: "a", Collection: filepath.Base(dir)},
		{Path: filepath.Join(dir, "sub/b.MKV"), Group: "b", Collection: "sub"},
		{Path: filepath.Join(dir, "sub/b.MKV"), Group: "scene", Collection: "repo", Licence: "CC0"},
		{Path: filepath.Join(dir, "a.mp4"), Group: "a", Collection: filepath.Base(dir)},
	}
	if !slices.Equal(got, want) {
		t.Errorf("%+v", got)
	}
	for text, want := range map[string]string{"": "it is empty", "name\nx": "no column path", "path\nx\ty": "line 2 has 2 columns", "path\tgroup\n\tx": "line 2 has no path"} {
		if _, err := parseClipList(strings.NewReader(text), "."); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want one with %q", text, err, want)
		}
	}
	if _, err := FindClips([]string{"/nowhere"}); err == nil {
		t.Error("a folder that is not there is searched")
	}
}

func FuzzParseSet(f *testing.F) {
	data, _ := json.Marshal(someSet())
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := ParseSet(data)
		if err != nil {
			return
		}
		for _, i := range s.Items {
			if _, err := s.job("/set", i); err != nil && i.Spec == "" {
				t.Fatal(err)
			}
		}
	})
}

func FuzzClipList(f *testing.F) {
	f.Add("path\tgroup\tcollection\na.mp4\tx\ty\n")
	f.Fuzz(func(t *testing.T, text string) {
		clips, err := parseClipList(strings.NewReader(text), "dir")
		for _, c := range clips {
			if err == nil && c.Path == "" {
				t.Fatal("a clip without a path")
			}
		}
	})
}
