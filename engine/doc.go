// Package engine wires the rooms together: it opens sources, runs the detectors
// on them, and hands verdicts to a Sink.
//
//	packet --> frame --> slot --> tensor --> scores --> verdict --> record
//	media      media     batch    device     infer +    verdict     Sink
//	                                         measure
//
// # Goroutines
//
// A source has one goroutine that reads packets (inside media) and one per
// track, which decodes, measures and scores it. A network has one goroutine
// that runs inference, locked to its OS thread, and one per lane (a tensor
// geometry), which forms batches. Nothing else. Every one is started and waited
// for here.
//
// # Ownership
//
// A frame belongs to its track's goroutine, which releases it in the same turn;
// the meter keeps a reference to the picture before. A slot belongs to the
// track's goroutine from Acquire to Commit, then to the network until the batch
// is done. A window of sound is copied into slots, a row for each channel; what is
// said of it is gathered by the network. Scores and verdicts are plain values.
//
// # Bounds
//
// Packets are bounded inside media. Slots bound what waits for a
// network: a source that finds none waits, and so does its demuxer. A Sink that
// is slow slows its own source only, and networks while it takes their scores.
//
// # Order of the end
//
// Source.Stop interrupts the demuxer; its tracks end; looks under way are
// waited for; open verdicts are cleared. Engine.Close stops all sources, then
// the lanes, the inference goroutines, the sessions, and last the device.
package engine
