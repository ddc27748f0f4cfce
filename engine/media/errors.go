package media

import "errors"

// What Open and Next can fail with besides fs.ErrNotExist and fs.ErrPermission,
// for errors.Is. The errors themselves say which input it was and what to do.
var (
	ErrDirectory = errors.New("a directory, not a file")
	ErrEmpty     = errors.New("the file is empty")
	ErrNotMedia  = errors.New("not in a media format that streamvet knows")
	// ErrCutShort is a file without the index that its format needs (an MP4 without moov).
	ErrCutShort  = errors.New("the file is cut short before its index")
	ErrNoTracks  = errors.New("no picture and no sound in it that can be decoded")
	ErrAddress   = errors.New("not an address that streamvet reads from")
	ErrStalled   = errors.New("nothing came for too long")
	ErrClosed    = errors.New("the source is closed")
	ErrNotWanted = errors.New("the track was given up, since nothing read it while others waited")
	// ErrDeviceLost is what Next gives for good where the GPU that decodes went away.
	ErrDeviceLost = errors.New("the GPU does not answer any more; restart streamvet, and look for Xid in the kernel's log if it happens again")
)
