// Package models reads detectors. A detector is data: a folder with a manifest,
// detector.yaml, and, if it is a network, an ONNX file beside it. The shipped
// ones are embedded; a folder given by the user adds to them or replaces those
// of the same name.
package models
