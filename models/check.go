package models

import (
	"fmt"
	"math/bits"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/streamvet/streamvet/engine/device"
	"github.com/streamvet/streamvet/engine/verdict"
	"github.com/streamvet/streamvet/spelling"
)

// inputs are what a detector can look at, in the order in which people read them.
var inputs = []string{"picture", "sound", "bitstream", "clock"}

var (
	namePattern = regexp.MustCompile(`^[a-z0-9_]{1,64}$`)
	// https://semver.org, without what follows a plus.
	versionPattern = regexp.MustCompile(`^(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})(-[0-9A-Za-z.-]{1,64})?$`)
	shaPattern     = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

// What a manifest may ask for.
const (
	maxText        = 2000
	maxSide        = 8192
	maxTensorBytes = 256 << 20
	maxBatch       = 64
	maxAlign       = 256
	maxQueueDelay  = time.Second
	maxEvery       = time.Hour
)

// check reports what makes no sense in a manifest that was read from folder.
func (r *report) check(m *Manifest, folder string) {
	if r.bad[""] {
		return // nothing was read
	}
	r.need(namePattern.MatchString(m.Name), "name", "%.70q is no name: use a-z, 0-9 and _, 64 at most", m.Name)
	r.need(m.Name == folder, "name", "%.70q is not the name of the folder, %q: they must be the same", m.Name, folder)
	r.need(versionPattern.MatchString(m.Version), "version", "%.70q is no semantic version: write it as 1.2.3", m.Version)
	r.text(m.Summary, "summary", "say in one sentence what it finds")
	r.text(m.Provenance, "provenance", "say where its numbers come from")
	r.word(m.Input, "input", inputs...)
	r.need((m.Measure == "") != (m.Network == nil), "measure", "a detector has either a measure or a network: write one of the two")
	r.need(m.Measure == "" || namePattern.MatchString(m.Measure), "measure", "%.70q is no name: use a-z, 0-9 and _", m.Measure)
	r.need(len(m.Params) == 0 || m.Network == nil, "params", "they belong to a measure, a network has none: take them away")
	for name := range m.Params {
		r.need(namePattern.MatchString(name), "params", "%.70q is no name: use a-z, 0-9 and _", name)
	}
	r.outputs(m)
	r.fusion(m)
	if m.Network != nil {
		r.need(m.Input == "picture", "network", "a network looks at pictures, the input is %.20q: use a measure", m.Input)
		r.network(m.Network)
	}
}

func (r *report) outputs(m *Manifest) {
	r.need(len(m.Outputs) > 0, "outputs", "there are none: write the defect that is scored, and its rule")
	r.need(m.Network == nil || len(m.Outputs) <= 1, "outputs", "a network scores one defect, there are %d", len(m.Outputs))
	seen := map[verdict.Defect]bool{}
	for i, o := range m.Outputs {
		field := fmt.Sprintf("outputs[%d]", i)
		if !o.Defect.Known() {
			r.add(field+".defect", "%.40q is no defect: %s", o.Defect, suggestDefect(string(o.Defect)))
		}
		r.need(!seen[o.Defect], field+".defect", "%.40q is there twice: keep one", o.Defect)
		seen[o.Defect] = true
		r.text(o.Unit, field+".unit", "name the unit of the readings")
		if err := o.Rule.Verdict().Validate(); err != nil && r.clean(field+".rule") {
			r.add(field+".rule", "%s", strings.ReplaceAll(err.Error(), "\n", "; "))
		}
	}
}

func suggestDefect(word string) string {
	all := make([]string, 0, len(verdict.Defects()))
	for _, d := range verdict.Defects() {
		all = append(all, string(d))
	}
	if n := spelling.Nearest(word[:min(len(word), 40)], all); n != "" {
		return "did you mean " + n + "?"
	}
	return "the defects are " + strings.Join(all, ", ")
}

func (r *report) network(n *Network) {
	r.file("network", n.File, n.SHA256)
	if n.Half != nil {
		r.file("network.half", n.Half.File, n.Half.SHA256)
		r.need(n.Half.File != n.File, "network.half.file", "it is the network's own file: name the one in half precision, or leave half out")
	}
	r.tensor(&n.Tensor)
	r.text(n.Score, "network.score", "name the output with the score")
	if n.Map != "" {
		r.text(n.Map, "network.map", "name the output with the map, or none")
		r.need(n.Map != n.Score, "network.map", "it is the score's output: name another, or none")
	}
	r.need(n.Map == "" && n.MapThreshold == 0 || n.Map != "" && n.MapThreshold > 0 && n.MapThreshold <= 1, "network.map_threshold",
		"%v: with a map it is in (0, 1], without one it is left out", n.MapThreshold)

	s, b := n.Sampling, n.Batch
	r.need(s.Every > 0 && s.Every <= maxEvery, "network.sampling.every", "%v is not in (0, %v]", s.Every, maxEvery)
	r.need(s.Suspicious >= 0 && s.Suspicious <= s.Every, "network.sampling.suspicious", "%v is not in [0, every]", s.Suspicious)
	r.need(b.MaxSize >= 1 && b.MaxSize <= maxBatch, "network.batch.max_size", "%d is not in 1..%d", b.MaxSize, maxBatch)
	r.need(b.MaxQueueDelay >= 0 && b.MaxQueueDelay <= maxQueueDelay, "network.batch.max_queue_delay", "%v is not in [0, %v]", b.MaxQueueDelay, maxQueueDelay)

	if t := n.Tensor; t.Width > 0 && t.Width <= maxSide && t.Height > 0 && t.Height <= maxSide && b.MaxSize >= 1 && b.MaxSize <= maxBatch && t.Type() != 0 {
		bytes := t.Shape(b.MaxSize, 0, 0).Elements() * t.Type().Bytes()
		r.need(bytes <= maxTensorBytes, "network.batch.max_size", "a batch of %d takes %d bytes, %d are the most: make it smaller", b.MaxSize, bytes, maxTensorBytes)
	}
}

// file checks how an ONNX file is named.
func (r *report) file(field, name, sum string) {
	r.need(r.plainFile(name), field+".file", "%.70q is no file beside the manifest: write a plain name that ends in .onnx", name)
	r.need(shaPattern.MatchString(sum), field+".sha256", "%.70q is no SHA-256 sum: write the 64 hexadecimal digits (a-f small) that sha256sum prints", sum)
}

func (r *report) tensor(t *TensorSpec) {
	const field = "network.tensor"
	r.text(t.Name, field+".name", "name the model's input")
	r.word(t.DType, field+".dtype", "u8", "f32", "f16")
	r.word(t.Channels, field+".channels", "luma", "rgb")
	r.word(t.Resize, field+".resize", "none", "area", "bilinear")
	if t.Resize == "none" {
		r.need(t.Align >= 1 && t.Align <= maxAlign && bits.OnesCount(uint(t.Align)) == 1, field+".align", "%d is no power of two in 1..%d", t.Align, maxAlign)
		r.need(t.Width == 0 && t.Height == 0, field+".width", "with resize none the picture's size is taken: leave width and height out")
		r.need(!t.Letterbox, field+".letterbox", "with resize none there is nothing to fit: leave it out")
	} else {
		r.need(t.Align == 0, field+".align", "it belongs to resize none: leave it out")
		r.need(t.Width >= 1 && t.Width <= maxSide, field+".width", "%d is not in 1..%d", t.Width, maxSide)
		r.need(t.Height >= 1 && t.Height <= maxSide, field+".height", "%d is not in 1..%d", t.Height, maxSide)
	}
	r.need(t.Pad >= 0 && t.Pad <= 255, field+".pad", "%v is not in 0..255", t.Pad)
	r.need(t.Pad == 0 || t.Letterbox, field+".pad", "it belongs to letterbox: leave it out")
	var zero [3]float32
	r.need(t.Type() != device.U8 || t.Mean == zero && t.Std == zero, field+".mean", "a u8 tensor holds the samples as they are: leave mean and std out")
	for i, s := range t.Std {
		r.need(s >= 0, fmt.Sprintf("%s.std[%d]", field, i), "%v is negative", s)
	}
}

// plainFile tells whether name is a file right beside the manifest.
func (r *report) plainFile(name string) bool {
	return len(name) <= 255 && path.Base(name) == name && !strings.HasPrefix(name, ".") && strings.HasSuffix(name, ".onnx") &&
		!strings.ContainsAny(name, "\\\x00\n")
}

// text wants words for people: they end on terminals and in pages.
func (r *report) text(s, field, remedy string) {
	r.need(strings.TrimSpace(s) != "" && len(s) <= maxText, field, "it is empty or longer than %d letters: %s", maxText, remedy)
	r.need(s == legible(s, len(s)), field, "it has letters that cannot be printed: take them out")
}

func (r *report) word(s, field string, words ...string) {
	r.need(slices.Contains(words, s), field, "%.40q is none of %s", s, strings.Join(words, ", "))
}
