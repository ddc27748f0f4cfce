package inject

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/streamvet/streamvet/engine/verdict"
)

// Medium is what a kind of defect changes.
type Medium uint8

// The media.
const (
	Pictures   Medium = iota + 1 // raw pictures, by number
	Sound                        // raw samples, by number
	Timestamps                   // when the sound is to be played
	Payload                      // bytes of the encoded pictures
)

func (m Medium) String() string {
	return [...]string{"", "picture", "sound", "timestamp", "bitstream"}[m]
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
	Levels  []Params      // what `level=1`, `level=2`, ... set, from faint to strong; none: there is one strength
	Length  time.Duration // where only START is given
	Example string        // value of --defect

	// defect names the truth entries where that depends on how it is made; nil: Defect.
	defect func(p Params, seconds float64) verdict.Defect
	// pictures is how many pictures it lasts where the parameters say so; nil or 0:
	// from START to END.
	pictures func(Params) int64
	// lead is how many pictures before START the edit must see.
	lead int64
	// leadSamples is the same for sound; nil: none.
	leadSamples func(p Params, rateHz int) int64
	// check refuses parameters that do not go together; nil: all do.
	check func(Params) error
	// hit tells whether the n-th picture of the range is touched; nil: each is.
	hit func(p Params, n int64) bool
	// removes tells whether the hit pictures are left out instead of changed; nil: no.
	removes func(Params) bool
	// removed is FFmpeg's expression of the pictures that are left out of a range.
	removed func(Params, span) string

	picture func(pictureContext) pictureEdit
	sound   func(soundContext) soundEdit
	// spots spreads a sparse defect over a range of so many samples: one truth
	// entry each. A range of 0 samples (START alone) has one spot, at 0.
	spots func(p Params, samples int64, rateHz int, rng *rand.Rand) []span
	// substitute gives pictures or sound from elsewhere that take the place of the clip's.
	substitute substitution
	// stamps is FFmpeg's expression for how much later, in seconds, sound is played that
	// would be played at T.
	stamps func(p Params, start, end float64) string
	// damage changes bytes of the encoded pictures; loseNALs loses coded slices as wholes.
	damage   damageMethod
	loseNALs func(d *planned, total int64, h *harm) func(nal)
	// slices asks the encoder for coded slices of at most so many bytes; nil: as it likes.
	slices func(Params) int
}

// DefectOf is what a defect of this kind that lasts so long is called.
func (k Kind) DefectOf(p Params, seconds float64) verdict.Defect {
	if k.defect != nil {
		return k.defect(p, seconds)
	}
	return k.Defect
}

// span is [start, end) in pictures or samples.
type span struct{ start, end int64 }

func (s span) length() int64         { return s.end - s.start }
func (s span) contains(n int64) bool { return n >= s.start && n < s.end }

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
// mark. n is the number of the first one, a channel, in its range; calls come in
// order. n is negative for samples before the range, which it may only look at.
type soundEdit func(samples []float32, n int64) bool

// Kinds lists all kinds: pictures, sound, timestamps, bitstream.
func Kinds() []Kind {
	return slices.Concat(pictureKinds(), soundKinds(), timestampKinds(), payloadKinds())
}
