package models

import "embed"

// shipped are the manifests and networks of the folders beside this file: one
// pattern for .yaml and .onnx, as embed refuses a pattern that matches nothing.
//
//go:embed */*.[yo][an][mn][lx]
var shipped embed.FS

// Default gives the detectors that are built into the binary. Like LoadDir it
// gives the good ones along with a *RefusedError for the others.
func Default() (*Set, error) { return load(shipped, "models") }
