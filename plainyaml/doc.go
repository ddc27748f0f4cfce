// Package plainyaml reads the YAML that people write: fields, lists and plain values,
// each with its line. What makes small files large or deep is refused: anchors,
// aliases, merges, tags, nesting without end. It is the only importer of a YAML
// library, and stays useful where that fails: a panic of the parser is an error.
//
// The library's own decoder is not used. It stops at the first fault, does not say what
// it would have taken, and panics at a list that is too long for its array.
package plainyaml
