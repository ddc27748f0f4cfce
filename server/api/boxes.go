package api

import (
	"encoding/binary"
	"slices"
)

// indexComesLast tells whether the beginning of a file is that of an MP4 or
// QuickTime file whose media lie before their index: without the end of the file
// nothing of it can be read.
func indexComesLast(beginning []byte) bool {
	for b := beginning; len(b) >= 8; {
		size, kind := uint64(binary.BigEndian.Uint32(b)), string(b[4:8])
		switch {
		case kind == "mdat":
			return true
		case !slices.Contains([]string{"ftyp", "free", "skip", "wide", "styp", "uuid", "pnot"}, kind):
			return false // the index, or no such file
		case size == 1 && len(b) >= 16:
			size = binary.BigEndian.Uint64(b[8:])
		}
		if size < 8 || size > uint64(len(b)) {
			return false
		}
		b = b[size:]
	}
	return false
}
