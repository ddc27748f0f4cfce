package config

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// What a file may hold: far above what is useful, and below what would hurt.
const (
	maxFileBytes = 4 << 20
	maxTokens    = 400_000
	maxDepth     = 16
	maxIndent    = 128
)

// fault is what is wrong with a line of the file; line 0 is all of it.
type fault struct {
	line int
	err  error
}

func faultAt(line int, format string, args ...any) *fault {
	return &fault{line, fmt.Errorf(format, args...)}
}

func (f *fault) in(file string) error {
	if f.line == 0 {
		return fmt.Errorf("%s: %w", file, f.err)
	}
	return fmt.Errorf("%s:%d: %w", file, f.line, f.err)
}

// parseYAML gives the mapping that a file holds; nil for a file of comments.
// The library's parser makes the tree, and reading the tree is ours: the
// library's decoder does not say what it would have taken.
func parseYAML(data []byte) (root ast.Node, wrong *fault) {
	defer func() {
		if p := recover(); p != nil { // a fault of the parser
			root, wrong = nil, faultAt(0, "it cannot be read as YAML (%s)", legible(fmt.Sprint(p)))
		}
	}()
	if len(data) > maxFileBytes {
		return nil, faultAt(0, "it is larger than %v, the most that is read", Bytes(maxFileBytes))
	}
	tokens := lexer.Tokenize(strings.TrimPrefix(string(data), "\ufeff")) // what some editors put first
	if wrong := plain(tokens); wrong != nil {
		return nil, wrong
	}
	file, err := parser.Parse(tokens, 0)
	if err != nil {
		var at yaml.Error
		if errors.As(err, &at) && at.GetToken() != nil {
			return nil, faultAt(at.GetToken().Position.Line, "it is not YAML: %s", legible(at.GetMessage()))
		}
		return nil, faultAt(0, "it is not YAML: %s", legible(err.Error()))
	}
	if len(file.Docs) > 1 {
		return nil, faultAt(0, "it holds %d documents: it must be one", len(file.Docs))
	}
	if len(file.Docs) == 0 || isEmpty(file.Docs[0].Body) {
		return nil, nil
	}
	return file.Docs[0].Body, nil
}

// plain refuses the parts of YAML that settings have no use for and that make
// small files large or deep.
func plain(tokens token.Tokens) *fault {
	if len(tokens) > maxTokens {
		return faultAt(0, "it has more than %d words, the most that are read", maxTokens)
	}
	depth, entries, line := 0, 0, 0
	for _, t := range tokens {
		if t.Position.Line != line {
			entries, line = 0, t.Position.Line
			if t.Position.Column > maxIndent && t.Type != token.CommentType {
				return faultAt(line, "it is indented by more than %d columns", maxIndent)
			}
		}
		switch t.Type {
		case token.AnchorType, token.AliasType, token.MergeKeyType:
			return faultAt(line, "anchors, aliases and merges are not taken: write the values out")
		case token.TagType, token.DirectiveType, token.MappingKeyType:
			return faultAt(line, "tags, directives and complex keys are not taken: write plain fields")
		case token.SequenceStartType, token.MappingStartType:
			depth++
		case token.SequenceEndType, token.MappingEndType:
			depth--
		case token.SequenceEntryType:
			entries++
		}
		if depth > maxDepth || entries > maxDepth {
			return faultAt(line, "it is nested too deep")
		}
	}
	return nil
}

// pair is a field of a mapping.
type pair struct {
	name  string
	line  int
	value ast.Node
}

// pairs gives the fields of a mapping, each once.
func pairs(n ast.Node) ([]pair, *fault) {
	var values []*ast.MappingValueNode
	switch m := n.(type) {
	case *ast.MappingNode:
		values = m.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{m}
	default:
		return nil, faultAt(lineOf(n), "fields are needed here, as in \"name: value\"")
	}
	seen := map[string]bool{}
	var all []pair
	for _, v := range values {
		name, ok := scalar(v.Key)
		p := pair{name: name, line: lineOf(v.Key), value: v.Value}
		switch {
		case !ok:
			return nil, faultAt(p.line, "this is no name of a field")
		case seen[name]:
			return nil, faultAt(p.line, "%s is there twice: keep one", legible(name))
		}
		seen[name] = true
		all = append(all, p)
	}
	return all, nil
}

// scalar gives the text of a plain value.
func scalar(n ast.Node) (string, bool) {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.LiteralNode:
		return strings.TrimSuffix(n.Value.Value, "\n"), true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return n.GetToken().Value, true
	}
	return "", false
}

func isEmpty(n ast.Node) bool {
	return n == nil || n.Type() == ast.NullType || n.Type() == ast.CommentType || n.Type() == ast.CommentGroupType
}

func lineOf(n ast.Node) int {
	if n == nil || n.GetToken() == nil || n.GetToken().Position == nil {
		return 0
	}
	if m, ok := n.(*ast.MappingValueNode); ok { // its own token is the colon
		return lineOf(m.Key)
	}
	return n.GetToken().Position.Line
}

var anyURL = regexp.MustCompile(`[A-Za-z][A-Za-z0-9+.-]*://\S*`)

// legible is a short text of the file as it may be shown: without URLs, which
// may hold secrets, and without what a terminal would obey.
func legible(s string) string {
	s = anyURL.ReplaceAllString(s, "(URL)")
	if len(s) > 200 {
		s = s[:200] + "..."
	}
	return strings.Map(func(c rune) rune {
		if unicode.IsPrint(c) {
			return c
		}
		return unicode.ReplacementChar
	}, s)
}
