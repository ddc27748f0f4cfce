package infer

import (
	"strings"
	"testing"

	"github.com/streamvet/streamvet/engine/device"
)

// Every difference between a network and its manifest is refused before a run,
// naming the manifest's field and both sides.
func TestLoadHoldsTheModelToTheManifest(t *testing.T) {
	l := open(t, Options{})
	for _, c := range []struct {
		name, model string
		change      func(*Spec)
		want        []string
	}{
		{"input name", "input_name", nil, []string{`network.tensor.name: the model has no input "luma", it has "picture"`}},
		{"input type", "input_f32", nil, []string{`network.tensor.dtype: the model's input "luma" is f32[?,1,?,?], the manifest says u8`}},
		{"input rank", "input_rank", nil, []string{`network.tensor: the model's input "luma" is u8[?,?,?], it must have 4 dimensions`}},
		{"fixed batch", "fixed_n", nil, []string{"network.batch", "u8[1,1,?,?]", "export the model with a dynamic batch"}},
		{"two inputs", "two_inputs", nil, []string{`the model has 2 inputs ("luma", "bias"), the manifest describes one`}},
		{"fixed size, none in the manifest", "fixed_size", nil, []string{"network.tensor.height", "fixed at 64", "network.tensor.width", "fixed at 96"}},
		{"other size", "fixed_size", func(s *Spec) { s.Height, s.Width = 32, 96 }, []string{`network.tensor.height: the model's input "luma" has 64, the manifest says 32`}},
		{"channels", "rgb", func(s *Spec) { s.Input, s.Map = "rgb", "" }, []string{`network.tensor.channels: the model's input "rgb" has 3, the manifest says 1`}},
		{"score name", "good", func(s *Spec) { s.Scores = []Score{{Name: "value"}} }, []string{`network.score: the model has no output "value", it has "score", "map"`}},
		{"score is the map", "good", func(s *Spec) { s.Scores, s.Map = []Score{{Name: "map"}}, "" }, []string{"network.score", "f32[?,1,?,?], it must be f32[N] or f32[N,1]"}},
		{"score type", "score_f64", nil, []string{"network.score", "f64[?]"}},
		{"map name", "no_map", nil, []string{`network.map: the model has no output "map", it has "score"`}},
		{"map rank", "map_rank", func(s *Spec) { s.Map = "plane" }, []string{"network.map", "f32[?,?,?], it must be f32[N,1,h,w]"}},
		{"all at once", "input_f32", func(s *Spec) { s.Scores, s.Map = []Score{{Name: "a"}}, "b" }, []string{"network.tensor.dtype", "network.score", "network.map"}},
		{"no channels", "good", func(s *Spec) { s.Channels = 0 }, []string{"description is incomplete"}},
		{"no type", "good", func(s *Spec) { s.Type = 0 }, []string{"description is incomplete"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := lumaSpec(t, c.model)
			s.Name = "a_detector"
			if c.change != nil {
				c.change(&s)
			}
			refused(t, l, s, c.want...)
		})
	}
	if len(l.sessions) != 0 {
		t.Errorf("%d sessions are left of refused models", len(l.sessions))
	}
}

func refused(t *testing.T, l *Library, s Spec, want ...string) {
	t.Helper()
	n, err := l.Load(s, cpuPlace(t))
	if err == nil {
		n.Close()
		t.Fatal("it was loaded")
	}
	for _, w := range append(want, `detector "a_detector"`) {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error %q does not say %q", err, w)
		}
	}
}

func TestLoadRefusesWhatIsNoModel(t *testing.T) {
	l := open(t, Options{})
	good := model(t, "good")
	flipped := append([]byte(nil), good...)
	for i := len(good) / 4; i < len(good); i += 7 {
		flipped[i] ^= 0xff
	}
	for name, data := range map[string][]byte{
		"none":      nil,
		"empty":     {},
		"text":      []byte("name: blur\nversion: 1.0.0\n"),
		"truncated": good[:len(good)/2],
		"one byte":  good[:1],
		"flipped":   flipped,
		"zeroes":    make([]byte, 4096),
	} {
		t.Run(name, func(t *testing.T) {
			refused(t, l, Spec{Name: "a_detector", ONNX: data, Input: "luma", Type: device.U8, Channels: 1, Scores: []Score{{Name: "score"}}, Map: "map"}, "network.file")
		})
	}
}

// Weights in another file would not be under the manifest's hash.
func TestLoadReadsNoOtherFile(t *testing.T) {
	s := lumaSpec(t, "external")
	s.Name = "a_detector"
	refused(t, open(t, Options{}), s, "network.file", "external-weights-are-not-taken")
}

// The file's bytes belong to the caller again after Load.
func TestLoadDoesNotKeepTheFile(t *testing.T) {
	l := open(t, Options{})
	spec := lumaSpec(t, "conv")
	s := session(t, l, spec)
	clear(spec.ONNX)
	in := tensor(t, device.Shape{N: 1, C: 1, H: 32, W: 32}, device.U8)
	b := bind(t, s, in, 1)
	in.mem[33] = 255
	mustRun(t, b, 1)
	if v := b.Scores(0, 0)[0]; v <= 0 || v >= 1 {
		t.Errorf("score %v", v)
	}
}

// FuzzLoad holds that no file takes the process down: it is refused, or it runs.
func FuzzLoad(f *testing.F) {
	for _, name := range []string{"good", "score_n1", "conv", "nan", "lies_map", "one_size", "external"} {
		f.Add(model(f, name))
	}
	l := open(f, Options{})
	in, at := tensor(f, device.Shape{N: 2, C: 1, H: 64, W: 96}, device.U8), cpuPlace(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := l.Load(Spec{Name: "fuzz", ONNX: data, Input: "luma", Type: device.U8, Channels: 1, Scores: []Score{{Name: "score"}}, Map: "map"}, at)
		if err != nil {
			return
		}
		defer s.Close()
		b, err := s.Bind(in, 2)
		if err != nil {
			return
		}
		for n := 1; n <= 2; n++ {
			if err := b.Run(n); err != nil {
				t.Errorf("it was bound and does not run: %v", err)
				return
			}
			cells, _, _ := b.Map(n - 1)
			for _, v := range append([]float32{b.Scores(0, n-1)[0]}, cells...) {
				if !(v >= 0 && v <= 1) {
					t.Errorf("value %v", v)
				}
			}
		}
	})
}
