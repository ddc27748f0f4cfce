package plainyaml

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// Kind is what a Node holds.
type Kind uint8

const (
	Empty Kind = iota // nothing, or null
	Text
	Number
	Bool
	List
	Mapping
	other // no part of plain YAML
)

// Node is a value of a file.
type Node struct {
	Kind Kind
	Line int
	// Text is that of a text, of a block without the end of its last line; numbers and
	// truth values are as they were written.
	Text string
	// Number may be infinite, or none.
	Number float64
	Items  []*Node // of a list
	Fields []Field // of a mapping, each name once
}

// Field is a field of a mapping.
type Field struct {
	Name  string
	Line  int
	Value *Node
}

// Scalar gives the text of a plain value; false where there is none, or more than one.
func (n *Node) Scalar() (string, bool) {
	return n.Text, n.Kind == Text || n.Kind == Number || n.Kind == Bool
}

// convert takes a tree over from the library.
func convert(from ast.Node) (*Node, int, error) {
	n := &Node{Line: lineOf(from)}
	switch v := from.(type) {
	case nil, *ast.NullNode, *ast.CommentNode, *ast.CommentGroupNode:
	case *ast.StringNode:
		n.Kind, n.Text = Text, v.Value
	case *ast.LiteralNode:
		n.Kind, n.Text = Text, strings.TrimSuffix(v.Value.Value, "\n")
	case *ast.BoolNode:
		n.Kind, n.Text = Bool, v.GetToken().Value
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		n.Kind, n.Text, n.Number = Number, v.GetToken().Value, number(v)
	case *ast.SequenceNode:
		return n.takeItems(v.Values)
	case *ast.MappingNode:
		return n.takeFields(v.Values)
	case *ast.MappingValueNode:
		return n.takeFields([]*ast.MappingValueNode{v})
	default:
		n.Kind = other
	}
	return n, 0, nil
}

func (n *Node) takeItems(values []ast.Node) (*Node, int, error) {
	n.Kind = List
	for _, v := range values {
		item, line, err := convert(v)
		if err != nil {
			return nil, line, err
		}
		n.Items = append(n.Items, item)
	}
	return n, 0, nil
}

func (n *Node) takeFields(values []*ast.MappingValueNode) (*Node, int, error) {
	n.Kind = Mapping
	seen := map[string]bool{}
	for _, v := range values {
		key, line, err := convert(v.Key)
		if err != nil {
			return nil, line, err
		}
		name, ok := key.Scalar()
		switch {
		case !ok:
			return nil, key.Line, errors.New("this is no name of a field")
		case seen[name]:
			return nil, key.Line, fmt.Errorf("%s is there twice: keep one", Legible(name))
		}
		seen[name] = true
		value, line, err := convert(v.Value)
		if err != nil {
			return nil, line, err
		}
		n.Fields = append(n.Fields, Field{name, key.Line, value})
	}
	if len(n.Fields) > 0 { // the library has the line of a colon, or of a brace
		n.Line = n.Fields[0].Line
	}
	return n, 0, nil
}

func number(n ast.Node) float64 {
	switch n := n.(type) {
	case *ast.FloatNode:
		return n.Value
	case *ast.InfinityNode:
		return n.Value
	case *ast.IntegerNode:
		switch i := n.Value.(type) {
		case int64:
			return float64(i)
		case uint64:
			return float64(i)
		}
	}
	return math.NaN()
}

func lineOf(n ast.Node) int {
	if n == nil || n.GetToken() == nil || n.GetToken().Position == nil {
		return 0
	}
	return n.GetToken().Position.Line
}
