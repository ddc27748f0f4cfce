// Package media turns a URL into decoded pictures and sound.
//
// [Open] probes a file or an address and gives a [Source]. One goroutine reads
// its packets into bounded queues, one a track; [VideoTrack.Next] and
// [AudioTrack.Next] decode in the goroutine that calls them. Every track is to
// be read by a goroutine of its own, or given up with Skip: a track that is
// neither would hold up the others.
//
// A damaged bitstream is no error here. What the demuxer and the decoders say
// about it travels with the frames as [frame.Evidence], and what comes after the
// last frame is told by Tail.
//
// With [Options.CUDA] pictures are decoded by the NVDEC of a GPU and stay in its
// memory; what NVDEC refuses or fails at goes on in software.
//
// It is the only importer of go-astiav, whose gaps the C files here fill.
package media
