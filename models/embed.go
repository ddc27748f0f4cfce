package models

import "embed"

// shipped holds the detector folders: their manifests and networks.
//
//go:embed */detector.yaml */*.onnx
var shipped embed.FS

// Default gives the detectors that are built into the binary. Like LoadDir it
// gives the good ones along with a *RefusedError for the others.
func Default() (*Set, error) { return load(shipped, "models") }
