// Package registry keeps the sources of a server: what was asked for lies on disk
// and outlives the process; what runs is supervised, each source on its own; what
// is found goes to the journal in order, and none of it is lost while the journal
// cannot take it, within bounds.
//
// A source's secrets go in and never come out: whoever asks gets Hidden in their
// place.
package registry
