package plainyaml

import (
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// Nobody nests deeper, or indents further.
const (
	maxDepth  = 16
	maxIndent = 128
)

// Parse reads a file of at most so many words, which is what a lexer makes of it. The
// root of a file of nothing but comments is Empty. With an error comes the line that
// is to blame, 0 for all of it. The error is fit to be shown, and quotes no URL of the
// file: there may be secrets in it.
func Parse(data []byte, maxWords int) (root *Node, line int, err error) {
	defer func() {
		if p := recover(); p != nil { // a fault of the parser
			root, line, err = nil, 0, fmt.Errorf("it cannot be read as YAML (%s)", Legible(fmt.Sprint(p)))
		}
	}()
	tokens := lexer.Tokenize(strings.TrimPrefix(string(data), "\ufeff")) // what some editors put first
	if line, err := plain(tokens, maxWords); err != nil {
		return nil, line, err
	}
	file, err := parser.Parse(tokens, 0)
	if err != nil {
		var at yaml.Error
		if errors.As(err, &at) && at.GetToken() != nil {
			return nil, at.GetToken().Position.Line, fmt.Errorf("it is not YAML: %s", Legible(at.GetMessage()))
		}
		return nil, 0, fmt.Errorf("it is not YAML: %s", Legible(err.Error()))
	}
	switch len(file.Docs) {
	case 0:
		return &Node{}, 0, nil
	case 1:
		return convert(file.Docs[0].Body)
	}
	return nil, 0, fmt.Errorf("it holds %d documents: it must be one", len(file.Docs))
}

// plain refuses the parts of YAML that settings have no use for and that make small
// files large or deep.
func plain(tokens token.Tokens, maxWords int) (line int, err error) {
	if len(tokens) > maxWords {
		return 0, fmt.Errorf("it has more than %d words, the most that are read", maxWords)
	}
	depth, entries := 0, 0
	for _, t := range tokens {
		if t.Position.Line != line {
			entries, line = 0, t.Position.Line
			if t.Position.Column > maxIndent && t.Type != token.CommentType {
				return line, fmt.Errorf("it is indented by more than %d columns", maxIndent)
			}
		}
		switch t.Type {
		case token.AnchorType, token.AliasType, token.MergeKeyType:
			return line, errors.New("anchors, aliases and merges are not taken: write the values out")
		case token.TagType, token.DirectiveType, token.MappingKeyType:
			return line, errors.New("tags, directives and complex keys are not taken: write plain fields")
		case token.SequenceStartType, token.MappingStartType:
			depth++
		case token.SequenceEndType, token.MappingEndType:
			depth--
		case token.SequenceEntryType:
			entries++
		}
		if depth > maxDepth || entries > maxDepth {
			return line, errors.New("it is nested too deep")
		}
	}
	return 0, nil
}
