// Package kernels defines the work that is done on pictures: the conversion into
// tensors (preprocess.h) and the measures (measure.h). The headers compile for
// the host and for the device and are the definition of what every backend
// computes, bit by bit. The Go side makes and checks the structures that they
// are given (types.h), once for all backends.
package kernels

import "embed"

// Headers are the sources of the kernels. Embedding them also makes every
// package that imports this one rebuild when they change, which Go does not do
// for C headers of another folder.
//
//go:embed *.h
var Headers embed.FS
