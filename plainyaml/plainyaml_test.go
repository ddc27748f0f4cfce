package plainyaml

import (
	"math"
	"strings"
	"testing"
	"time"
)

func TestParseKeepsLinesAndKinds(t *testing.T) {
	root, line, err := Parse([]byte("\ufeff# a comment\nname: a film\ncount: 3 # of them\nratio: .inf\nwhole: true\nnone:\nlist: [1, two]\n"+
		"deep:\n  - at: {x: -1.5}\n  - |\n    lines\n\"quoted\": '7'\n"), 100)
	if err != nil {
		t.Fatalf("line %d: %v", line, err)
	}
	if root.Kind != Mapping || root.Line != 2 {
		t.Errorf("root %+v", root)
	}
	field := func(i int, name string, line int, kind Kind, text string) *Node {
		f := root.Fields[i]
		if f.Name != name || f.Line != line || f.Value.Kind != kind || f.Value.Text != text {
			t.Errorf("field %d: %+v %+v, want %s in line %d, kind %d, %q", i, f, f.Value, name, line, kind, text)
		}
		return f.Value
	}
	field(0, "name", 2, Text, "a film")
	if n := field(1, "count", 3, Number, "3"); n.Number != 3 {
		t.Errorf("count %v", n.Number)
	}
	if n := field(2, "ratio", 4, Number, ".inf"); !math.IsInf(n.Number, 1) {
		t.Errorf("ratio %v", n.Number)
	}
	field(3, "whole", 5, Bool, "true")
	if _, ok := field(4, "none", 6, Empty, "").Scalar(); ok {
		t.Error("nothing is a value")
	}
	if n := field(5, "list", 7, List, ""); len(n.Items) != 2 || n.Items[1].Text != "two" {
		t.Errorf("list %+v", n.Items)
	}
	deep := field(6, "deep", 8, List, "")
	if at := deep.Items[0].Fields[0].Value; at.Fields[0].Value.Number != -1.5 || deep.Items[0].Line != 9 {
		t.Errorf("deep %+v", deep.Items[0])
	}
	if deep.Items[1].Text != "lines" {
		t.Errorf("block %q", deep.Items[1].Text)
	}
	field(7, "quoted", 12, Text, "7")
}

func TestParseRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		text, want string
		line       int
	}{
		"an anchor":        {"a: 1\nb: &x 1\n", "anchors, aliases and merges are not taken: write the values out", 2},
		"a merge":          {"<<: {a: 1}\n", "anchors, aliases and merges", 1},
		"a tag":            {"a: !!str 1\n", "tags, directives and complex keys are not taken: write plain fields", 1},
		"a complex key":    {"? a\n: 1\n", "tags, directives and complex keys", 1},
		"twice":            {"a: 1\na: 2\n", "it is not YAML: mapping key \"a\" already defined", 2},
		"no name":          {"~: 1\n", "this is no name of a field", 1},
		"two documents":    {"a: 1\n---\na: 2\n", "it holds 2 documents: it must be one", 0},
		"no end":           {"a: [1\n", "it is not YAML", 1},
		"too deep":         {strings.Repeat("[", 50), "it is nested too deep", 1},
		"too far":          {"a:\n" + strings.Repeat(" ", 130) + "b: 1\n", "it is indented by more than 128 columns", 2},
		"too many words":   {strings.Repeat("a: 1\n", 50), "it has more than 100 words, the most that are read", 0},
		"a secret in it":   {"a: rtsp://jo:s3cret@h: x: y\n", "it is not YAML", 1},
		"what rings bells": {"a: \x1b[31m\x07: b: c\n", "it is not YAML", 1},
	} {
		root, line, err := Parse([]byte(c.text), 100)
		if err == nil || !strings.Contains(err.Error(), c.want) || line != c.line {
			t.Errorf("%s: line %d: %v, %+v; want line %d: %s", name, line, err, root, c.line, c.want)
			continue
		}
		if strings.Contains(err.Error(), "s3cret") || strings.ContainsAny(err.Error(), "\x1b\x07") {
			t.Errorf("%s: the error tells too much: %q", name, err)
		}
	}
}

func TestNothingIsEmpty(t *testing.T) {
	for _, text := range []string{"", "# nothing\n", "~", "\n\n"} {
		if root, _, err := Parse([]byte(text), 100); err != nil || root.Kind != Empty {
			t.Errorf("%q: %+v, %v", text, root, err)
		}
	}
}

// Whatever a file holds, it is read or refused.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"a: 1\n", "a: [1, {b: 2}]\n- c\n", "? a\n: b", "a: |\n  b\n", "\"a\": 'b'", "{a: ", "- - -"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		began := time.Now()
		root, _, err := Parse(data, 1000)
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("%d bytes took %v", len(data), took)
		}
		if (root == nil) == (err == nil) {
			t.Errorf("%+v and %v", root, err)
		}
	})
}
