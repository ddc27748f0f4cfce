// Package excerpt cuts the sound of a track into the windows that networks hear:
// resampled to the network's rate, each with context before and after the stretch
// that it speaks for.
//
//	stretch   |----------|----------|------|            what was decoded without a gap
//	window 0  ..[  hop  ]..                             before the first sample: silence
//	window 1             ..[  hop  ]..
//	window 2                        ..[hop   ]..        after the last one: silence
//
// The package is pure Go, and the same samples give the same bits on every machine,
// however they were cut into blocks.
package excerpt
