package models

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/streamvet/streamvet/engine/device"
	"github.com/streamvet/streamvet/engine/frame"
	"github.com/streamvet/streamvet/engine/verdict"
)

func TestLoadDir(t *testing.T) {
	set, err := LoadDir("testdata/good")
	if err != nil {
		t.Fatal(err)
	}
	all := set.Detectors()
	if got := listed(set); !slices.Equal(got, []string{"bright", "crackle", "gloom"}) {
		t.Fatalf("got %v", got)
	}
	bright, crackle, gloom := all[0], all[1], all[2]
	if bright.Path != "testdata/good/bright" || len(bright.ONNX) != 343 || bright.Version != "1.2.3-rc.1" {
		t.Errorf("bright: %s, %d bytes, version %s", bright.Path, len(bright.ONNX), bright.Version)
	}
	n := bright.Network
	if n.Sampling != (Sampling{Every: 500 * time.Millisecond, Suspicious: 40 * time.Millisecond}) ||
		n.Batch != (Batch{MaxSize: 4, MaxQueueDelay: 5 * time.Millisecond}) || n.MapThreshold != .5 || n.Map != "map" {
		t.Errorf("network %+v", n)
	}
	want := verdict.Rule{Raise: .5, Clear: .4, MinDuration: time.Second, MinScores: 2, Hold: 500 * time.Millisecond,
		Merge: time.Second, UpdateEvery: 10 * time.Second, Major: .8, Critical: .95}
	if got := bright.Outputs[0].Rule.Verdict(); got != want {
		t.Errorf("rule %+v, want %+v", got, want)
	}
	if n := crackle.Network; n.Hop() != 32000 || n.Tensor.Shape(8, 1920, 1080) != (device.Shape{N: 8, C: 1, H: 1, W: 40960}) || len(crackle.ONNX) == 0 {
		t.Errorf("crackle: a hop of %d, a tensor of %v, %d bytes", n.Hop(), n.Tensor.Shape(8, 1920, 1080), len(crackle.ONNX))
	}
	var scores []string
	for i := range crackle.Outputs {
		name, field := crackle.ScoreOf(i)
		scores = append(scores, field+"="+name)
	}
	if want := []string{"network.score=click", "outputs[1].score=loud"}; !slices.Equal(scores, want) {
		t.Errorf("scores %v, want %v", scores, want)
	}
	if gloom.ONNX != nil || gloom.Network != nil || gloom.Measure != "level" || gloom.Params["floor_dbfs"] != -60 || gloom.Params["span_db"] != 6.5 {
		t.Errorf("gloom: %+v", gloom)
	}
	if o := gloom.Outputs; len(o) != 2 || o[0].Defect != verdict.Silence || o[0].Rule.Hold != 1500*time.Millisecond || o[1].Defect != verdict.Hum {
		t.Errorf("outputs %+v", o)
	}
}

func TestTensorSpec(t *testing.T) {
	luma := TensorSpec{DType: "u8", Channels: "luma", Resize: "none", Align: 16}
	if got, want := luma.Shape(3, 1920, 1080), (device.Shape{N: 3, C: 1, H: 1088, W: 1920}); got != want {
		t.Errorf("native shape %v, want %v", got, want)
	}
	f := frame.Format{BitDepth: 10, ChromaShiftX: 1, ChromaShiftY: 1}
	if got, want := luma.PlanConfig(1280, 718, f, frame.Colour{FullRange: true}), (device.PlanConfig{
		Width: 1280, Height: 718, Format: f, Colour: frame.Colour{FullRange: true}, Channels: device.Luma, Filter: device.None,
		OutWidth: 1280, OutHeight: 720, Type: device.U8}); got != want {
		t.Errorf("native plan %+v, want %+v", got, want)
	}
	rgb := TensorSpec{DType: "f32", Channels: "rgb", Resize: "area", Width: 224, Height: 192, Letterbox: true, Pad: 16, Mean: [3]float32{.5, .4, .3}, Std: [3]float32{.2, .2, .1}}
	if got, want := rgb.PlanConfig(640, 480, f, frame.Colour{}), (device.PlanConfig{
		Width: 640, Height: 480, Format: f, Channels: device.RGB, Filter: device.Area, Letterbox: true, Pad: 16,
		Mean: rgb.Mean, Std: rgb.Std, OutWidth: 224, OutHeight: 192, Type: device.F32}); got != want {
		t.Errorf("area plan %+v, want %+v", got, want)
	}
	if got, want := rgb.Shape(2, 0, 0), (device.Shape{N: 2, C: 3, H: 192, W: 224}); got != want {
		t.Errorf("fixed shape %v, want %v", got, want)
	}
	bilinear := TensorSpec{DType: "f16", Channels: "rgb", Resize: "bilinear", Width: 8, Height: 8}
	if got := bilinear.PlanConfig(9, 9, f, frame.Colour{}); got.Filter != device.Bilinear || got.Type != device.F16 {
		t.Errorf("bilinear plan %+v", got)
	}
}

func TestBadFoldersDoNotHideGoodOnes(t *testing.T) {
	good := manifest(t, "gloom")
	fsys := fstest.MapFS{
		"README.md":                {Data: []byte("no folder")},
		"gloom/detector.yaml":      {Data: good},
		"bad/detector.yaml":        {Data: good}, // the name is another
		"empty/notes.txt":          {Data: nil},
		"broken/detector.yaml":     {Data: []byte("name: [")},
		"testdata/x/detector.yaml": {Data: nil},
		"train/net.py":             {Data: nil},
		".git/config":              {Data: nil},
		"_old/detector.yaml":       {Data: nil},
	}
	set, err := load(fsys, "my")
	var refused *RefusedError
	if !errors.As(err, &refused) {
		t.Fatalf("error %v", err)
	}
	if got := listed(set); !slices.Equal(got, []string{"gloom"}) {
		t.Errorf("good ones: %v", got)
	}
	var folders []string
	for _, r := range refused.Folders {
		folders = append(folders, r.Folder)
	}
	if !slices.Equal(folders, []string{"my/bad", "my/broken", "my/empty"}) {
		t.Errorf("refused: %v", folders)
	}
	for _, want := range []string{"detector folder my/bad is refused:\n  detector.yaml:1: name:", `"bad"`,
		"my/broken", "not YAML", "my/empty is refused:\n  there is no detector.yaml in it: write one"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error does not say %q:\n%v", want, err)
		}
	}
}

func TestWith(t *testing.T) {
	set, err := LoadDir("testdata/good")
	if err != nil {
		t.Fatal(err)
	}
	data := strings.NewReplacer("name: gloom", "name: abyss").Replace(string(manifest(t, "gloom")))
	other, err := load(fstest.MapFS{
		"abyss/detector.yaml": {Data: []byte(data)},
		"gloom/detector.yaml": {Data: []byte(strings.Replace(string(manifest(t, "gloom")), "0.1.0", "9.0.0", 1))},
	}, "mine")
	if err != nil {
		t.Fatal(err)
	}
	both := set.With(other)
	if got := listed(both); !slices.Equal(got, []string{"bright", "abyss", "crackle", "gloom"}) {
		t.Errorf("together: %v", got)
	}
	if d := both.Detectors()[3]; d.Version != "9.0.0" || d.Path != "mine/gloom" {
		t.Errorf("gloom is %s of %s, the later one was to replace it", d.Version, d.Path)
	}
	if len(set.Detectors()) != 3 || set.Detectors()[2].Version != "0.1.0" {
		t.Error("With changed the set")
	}
	set.Detectors()[0].Name = "changed"
	if listed(set)[0] != "bright" {
		t.Error("a caller can change the set")
	}
}

// The shipped detectors are good, each one.
func TestDefault(t *testing.T) {
	set, err := Default()
	if err != nil {
		t.Fatal(err)
	}
	rank := -1
	for _, d := range set.Detectors() {
		r := slices.Index(inputs, d.Input)
		if r < rank {
			t.Errorf("%s (%s) is out of order", d.Name, d.Input)
		}
		rank = r
		if d.Path != "models/"+d.Name {
			t.Errorf("%s comes from %s", d.Name, d.Path)
		}
	}
	folders, err := filepath.Glob("*/detector.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if len(folders) != len(set.Detectors()) {
		t.Errorf("%d detectors of %d folders", len(set.Detectors()), len(folders))
	}
}

func TestWrongDirectories(t *testing.T) {
	empty := t.TempDir()
	file := filepath.Join(t.TempDir(), "file")
	write(t, file, "x")
	many := fstest.MapFS{}
	for i := range maxDetectors + 1 {
		many["d"+strings.Repeat("x", i)+"/f"] = &fstest.MapFile{}
	}
	_, tooMany := load(many, "many")
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"missing":    {loadErr(filepath.Join(empty, "none")), "there is no directory"},
		"a file":     {loadErr(file), "load detectors"},
		"empty":      {loadErr(empty), "holds none: a detector is a folder with a detector.yaml"},
		"a detector": {loadErr("testdata/good/gloom"), "is a detector itself: name the directory above it"},
		"too many":   {tooMany, "more than 256 folders: is it the right directory?"},
	} {
		if c.err == nil || !strings.Contains(c.err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, c.err, c.want)
		}
		if refused := (*RefusedError)(nil); errors.As(c.err, &refused) {
			t.Errorf("%s: it counts as a refused detector", name)
		}
	}
}

// Nothing outside the directory is read, and nothing that would block or fill memory.
func TestHostileFolders(t *testing.T) {
	outside := t.TempDir()
	write(t, filepath.Join(outside, "secret.onnx"), "secret")
	write(t, filepath.Join(outside, "detector.yaml"), string(manifest(t, "gloom")))
	for name, c := range map[string]struct {
		make func(dir string) error
		want string
	}{
		"a link out of the directory": {func(dir string) error { return os.Symlink(outside, dir) }, "escapes"},
		"a manifest that is a link out": {func(dir string) error {
			return errors.Join(os.Mkdir(dir, 0o755), os.Symlink(filepath.Join(outside, "detector.yaml"), filepath.Join(dir, "detector.yaml")))
		}, "escapes"},
		"a network that is a link out": {func(dir string) error {
			return errors.Join(network(dir, "bright.onnx"), os.Symlink(filepath.Join(outside, "secret.onnx"), filepath.Join(dir, "bright.onnx")))
		}, "network.file: "},
		"a network that is a path out": {func(dir string) error { return network(dir, "../secret.onnx") }, "is no file beside the manifest"},
		"an absolute path":             {func(dir string) error { return network(dir, filepath.Join(outside, "secret.onnx")) }, "is no file beside the manifest"},
		"a pipe": {func(dir string) error {
			return errors.Join(os.Mkdir(dir, 0o755), syscall.Mkfifo(filepath.Join(dir, "detector.yaml"), 0o644))
		}, "detector.yaml is not a regular file"},
		"a manifest that is a folder": {func(dir string) error { return os.MkdirAll(filepath.Join(dir, "detector.yaml"), 0o755) }, "not a regular file"},
		"a huge manifest": {func(dir string) error {
			return errors.Join(os.Mkdir(dir, 0o755), os.WriteFile(filepath.Join(dir, "detector.yaml"), make([]byte, maxManifestBytes+1), 0o644))
		}, "detector.yaml is larger than 65536 bytes"},
		"a huge network": {func(dir string) error {
			return errors.Join(network(dir, "bright.onnx"), os.WriteFile(filepath.Join(dir, "bright.onnx"), nil, 0o644),
				os.Truncate(filepath.Join(dir, "bright.onnx"), maxONNXBytes+1))
		}, "network.file: bright.onnx is larger than 67108864 bytes"},
		"no network": {func(dir string) error { return network(dir, "bright.onnx") }, "network.file: there is no bright.onnx in the folder: put it beside detector.yaml"},
		"no half":    {func(dir string) error { return withHalf(dir, nil) }, "network.half.file: there is no half.onnx in the folder: put it beside detector.yaml"},
		"another half": {func(dir string) error { return withHalf(dir, []byte("other")) },
			"network.half.sha256: half.onnx has d9298a10d1b0735837dc4bd85dac641b0f3cef27a47e5d53a54f2f3f5b2fcffa, the manifest says"},
		"another network": {func(dir string) error {
			return errors.Join(network(dir, "bright.onnx"), os.WriteFile(filepath.Join(dir, "bright.onnx"), []byte("other"), 0o644))
		}, "network.sha256: bright.onnx has d9298a10d1b0735837dc4bd85dac641b0f3cef27a47e5d53a54f2f3f5b2fcffa, the manifest says"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := c.make(filepath.Join(dir, "bright")); err != nil {
				t.Fatal(err)
			}
			set, err := LoadDir(dir)
			var refused *RefusedError
			if !errors.As(err, &refused) || len(refused.Folders) != 1 || len(set.Detectors()) != 0 {
				t.Fatalf("set %v, error %v", set, err)
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %q does not say %q", err, c.want)
			}
		})
	}
}

// network writes a folder with the manifest of bright that names file.
func network(dir, file string) error {
	data, err := os.ReadFile("testdata/good/bright/detector.yaml")
	if err != nil {
		return err
	}
	text := strings.Replace(string(data), "file: bright.onnx", "file: "+file, 1)
	return errors.Join(os.Mkdir(dir, 0o755), os.WriteFile(filepath.Join(dir, "detector.yaml"), []byte(text), 0o644))
}

// withHalf writes a good folder whose manifest names a variant with the sum of
// "half", and that variant.
func withHalf(dir string, half []byte) error {
	text, err := os.ReadFile("testdata/good/bright/detector.yaml")
	if err != nil {
		return err
	}
	onnx, err := os.ReadFile("testdata/good/bright/bright.onnx")
	if err != nil {
		return err
	}
	sum := sha256.Sum256([]byte("half"))
	named := strings.Replace(string(text), "  tensor:", fmt.Sprintf("  half: {file: half.onnx, sha256: %x}\n  tensor:", sum), 1)
	err = errors.Join(os.Mkdir(dir, 0o755), os.WriteFile(filepath.Join(dir, "detector.yaml"), []byte(named), 0o644),
		os.WriteFile(filepath.Join(dir, "bright.onnx"), onnx, 0o644))
	if half != nil {
		err = errors.Join(err, os.WriteFile(filepath.Join(dir, "half.onnx"), half, 0o644))
	}
	return err
}

func TestHalf(t *testing.T) {
	dir := t.TempDir()
	if err := withHalf(filepath.Join(dir, "bright"), []byte("half")); err != nil {
		t.Fatal(err)
	}
	set, err := LoadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	d := set.Detectors()[0]
	if string(d.HalfONNX) != "half" || d.Network.Half.File != "half.onnx" || len(d.ONNX) != 343 {
		t.Errorf("half %q of %+v, network of %d bytes", d.HalfONNX, d.Network.Half, len(d.ONNX))
	}
}

func loadErr(dir string) error {
	_, err := LoadDir(dir)
	return err
}

func listed(s *Set) []string {
	var list []string
	for _, d := range s.Detectors() {
		list = append(list, d.Name)
	}
	return list
}

func manifest(t testing.TB, name string) []byte {
	t.Helper()
	data, err := fs.ReadFile(os.DirFS("testdata/good"), name+"/detector.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
