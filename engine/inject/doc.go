// Package inject puts defects into a clip and says exactly where they are.
//
// An injection decodes the clip with the ffmpeg program to raw pictures at a
// constant rate and to raw sound, changes pictures by their number and samples
// by theirs, and encodes the result. Damage to the bitstream comes after that:
// it changes bytes of the encoded file, and what became of the picture is found
// by decoding the file before and after.
//
// The rest is for whoever judges detectors: Truth is what was injected where,
// and Match compares it with verdicts.
package inject
