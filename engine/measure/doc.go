// Package measure scores pictures and bitstreams in closed form: from the few
// numbers that the device measures on every picture, and from what container
// and decoder say. No network, no cgo, no pixels, no goroutine: the same
// numbers give the same scores everywhere.
//
// Every closed form maps one physical reading (a share of the picture, a level,
// flashes a second, ...) to a score of 0..1 such that 0.5 lies at a point that
// its documentation names. Detectors are data: a manifest in models/ names the
// closed form and may set its parameters.
package measure
