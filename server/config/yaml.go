package config

import (
	"fmt"

	"github.com/streamvet/streamvet/plainyaml"
)

// What a file may hold: far above what is useful, and below what would hurt.
const (
	maxFileBytes = 4 << 20
	maxWords     = 400_000
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

// parseYAML gives the mapping that a file holds; Empty for a file of comments.
func parseYAML(data []byte) (*plainyaml.Node, *fault) {
	if len(data) > maxFileBytes {
		return nil, faultAt(0, "it is larger than %v, the most that is read", Bytes(maxFileBytes))
	}
	root, line, err := plainyaml.Parse(data, maxWords)
	if err != nil {
		return nil, &fault{line, err}
	}
	return root, nil
}

// mapping gives the fields of one.
func mapping(n *plainyaml.Node) ([]plainyaml.Field, *fault) {
	if n.Kind != plainyaml.Mapping {
		return nil, faultAt(n.Line, "fields are needed here, as in \"name: value\"")
	}
	return n.Fields, nil
}

func isEmpty(n *plainyaml.Node) bool { return n.Kind == plainyaml.Empty }
