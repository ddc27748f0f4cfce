package models

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// parse reads a manifest. It never fails: what it cannot read is in the report.
//
// The library's parser makes the tree; reading the tree is ours. The library's
// own decoder stops at the first fault, does not say what it would have taken,
// and panics at a list that is too long for its array.
func parse(data []byte) (Manifest, *report) {
	var m Manifest
	r := newReport()
	root, line, err := tree(data)
	if err != nil {
		r.lines[""] = line
		r.add("", "%w", err)
		return m, r
	}
	r.value(root, reflect.ValueOf(&m).Elem(), "")
	return m, r
}

// tree parses the file into one node and, with an error, says in which line.
func tree(data []byte) (root ast.Node, line int, err error) {
	// A fault of the parser must not take down a process that watches other sources.
	defer func() {
		if p := recover(); p != nil {
			root, err = nil, fmt.Errorf("it cannot be read as YAML (%s)", legible(fmt.Sprint(p), maxMessage))
		}
	}()
	tokens := lexer.Tokenize(string(data))
	if line, err := plain(tokens); err != nil {
		return nil, line, err
	}
	file, err := parser.Parse(tokens, 0)
	if err != nil {
		var at yaml.Error
		if errors.As(err, &at) && at.GetToken() != nil {
			return nil, at.GetToken().Position.Line, fmt.Errorf("it is not YAML: %s", legible(at.GetMessage(), maxMessage))
		}
		return nil, 0, fmt.Errorf("it is not YAML: %s", legible(err.Error(), maxMessage))
	}
	switch {
	case len(file.Docs) > 1:
		return nil, 0, fmt.Errorf("it holds %d documents: a manifest is one", len(file.Docs))
	case len(file.Docs) == 0 || file.Docs[0].Body == nil || file.Docs[0].Body.Type() == ast.CommentType || file.Docs[0].Body.Type() == ast.NullType:
		return nil, 0, errors.New("it is empty")
	}
	return file.Docs[0].Body, 0, nil
}

const (
	maxTokens  = 4096 // far above what a manifest has; it bounds how deep one can nest
	maxMessage = 200  // bytes of what the YAML library says; it may quote the file
)

// plain refuses the parts of YAML that a manifest has no use for and that make
// small files large: anchors and aliases, tags, merge keys.
func plain(tokens token.Tokens) (line int, err error) {
	if len(tokens) > maxTokens {
		return 0, fmt.Errorf("it has more than %d words: is it a manifest?", maxTokens)
	}
	for _, t := range tokens {
		switch t.Type {
		case token.AnchorType, token.AliasType, token.MergeKeyType:
			return t.Position.Line, fmt.Errorf("%.20q: anchors, aliases and merges are not taken: write the values out", t.Value)
		case token.TagType, token.DirectiveType, token.MappingKeyType:
			return t.Position.Line, fmt.Errorf("%.20q: tags, directives and complex keys are not taken: write plain fields", t.Value)
		}
	}
	return 0, nil
}

// names lists the fields of a struct as a manifest writes them, and which of
// them it must have: all but those that may be left out.
func names(t reflect.Type) (all []string, required map[string]bool) {
	required = map[string]bool{}
	for i := range t.NumField() {
		name, option, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ",")
		all = append(all, name)
		required[name] = option != "omitempty"
	}
	return all, required
}
