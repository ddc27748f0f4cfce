package models

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

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
	r.change(m)
	if m.Network != nil {
		r.need(m.Input == "picture" || m.Input == "sound", "network", "a network takes pictures or sound, the input is %.20q: use a measure", m.Input)
		r.network(m.Network, m.Input)
		r.scores(m)
	}
}

func (r *report) outputs(m *Manifest) {
	r.need(len(m.Outputs) > 0, "outputs", "there are none: write the defect that is scored, and its rule")
	seen := map[verdict.Defect]bool{}
	for i, o := range m.Outputs {
		field := fmt.Sprintf("outputs[%d]", i)
		if !o.Defect.Known() {
			r.add(field+".defect", "%.40q is no defect: %s", o.Defect, suggestDefect(string(o.Defect)))
		}
		r.need(!seen[o.Defect], field+".defect", "%.40q is there twice: keep one", o.Defect)
		seen[o.Defect] = true
		r.need(o.Score == "" || m.Network != nil, field+".score", "it names an output of a network, and there is none: leave it out")
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
