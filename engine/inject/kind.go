package inject

import (
	"math/rand/v2"
	"time"

	"github.com/streamvet/streamvet/engine/verdict"
)

// Medium is what a kind of defect changes.
type Medium uint8

// The media.
const (
	Pictures Medium = iota + 1 // raw pictures, by number
	Sound                      // raw samples, by number
	Payload                    // bytes of the encoded pictures
)

func (m Medium) String() string {
	return [...]string{"", "picture", "sound", "bitstream"}[m]
}

// Param is a numeric parameter of a kind.
type Param struct {
	Name     string
	Default  float64
	Min, Max float64
	Whole    bool   // only whole numbers
	Unit     string // "" for plain numbers
	Help     string
}

// Kind is one way to spoil a clip. Exactly one of the function fields that
// belong to its Medium is set.
type Kind struct {
	Name    string
	Summary string
	Medium  Medium
	// Defect names the truth entries. Damage to the bitstream has none: it makes
	// decode_error for what was lost and block_corruption or stutter for what is seen.
	Defect  verdict.Defect
	Params  []Param
	Length  time.Duration // where only START is given
	Example string        // value of --defect

	// lead is how many pictures before START the edit must see.
	lead int64
	// check refuses parameters that do not go together; nil: all do.
	check func(Params) error
	// hit tells whether the n-th picture of the range is touched; nil: each is.
	hit func(p Params, n int64) bool
	// removes tells whether the hit pictures are left out instead of changed; nil: no.
	removes func(Params) bool

	picture func(pictureContext) pictureEdit
	sound   func(soundContext) soundEdit
	// spots spreads a sparse defect over a range of so many samples: one truth
	// entry each. A range of 0 samples (START alone) has one spot, at 0.
	spots func(p Params, samples int64, rateHz int, rng *rand.Rand) []span
	// damage changes bytes of the encoded pictures.
	damage damageMethod
}

// span is [start, end) in pictures or samples.
type span struct{ start, end int64 }

func (s span) length() int64         { return s.end - s.start }
func (s span) contains(n int64) bool { return n >= s.start && n < s.end }
func (s span) overlaps(o span) bool  { return s.start < o.end && o.start < s.end }

// pictureContext is what an edit of pictures may know.
type pictureContext struct {
	params        Params
	width, height int
	rate          Rate
	seed          uint64 // differs between the defects of a run
}

// rng gives the random numbers for picture n: the same for the same run's seed,
// whatever was drawn for other pictures.
func (c pictureContext) rng(n int64) *rand.Rand {
	return rand.New(rand.NewPCG(c.seed, uint64(n)))
}

// pictureEdit changes the n-th picture of its range in place and tells whether
// that left a mark. n is negative for pictures before the range, which it may
// only look at.
type pictureEdit func(p *Picture, n int64) bool

// soundContext is what an edit of sound may know.
type soundContext struct {
	params   Params
	channels int
	rateHz   int
	seed     uint64
}

// soundEdit changes interleaved samples in place and tells whether that left a
// mark. n is the number of the first one, a channel, in its range; calls come in order.
type soundEdit func(samples []float32, n int64) bool

// Kinds lists all kinds: pictures, sound, bitstream.
func Kinds() []Kind {
	var out []Kind
	out = append(out, pictureKinds()...)
	out = append(out, soundKinds()...)
	return append(out, payloadKinds()...)
}
