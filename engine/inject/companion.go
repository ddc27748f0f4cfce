package inject

import (
	"slices"
	"time"

	"github.com/streamvet/streamvet/engine/verdict"
)

// companions lists, for each injected defect, what else a detector may rightly
// say of the same stretch: a black picture is also one colour and stands still.
// Such a verdict is neither a hit nor a false alarm. Whatever is not here is a
// false alarm, so entries need a reason that lies in the definition of the defects.
func companions() map[verdict.Defect][]verdict.Defect {
	return map[verdict.Defect][]verdict.Defect{
		verdict.Black:           {verdict.SolidColor, verdict.Dark, verdict.Freeze, verdict.Stutter, verdict.LetterboxChange, verdict.Blur},
		verdict.Freeze:          {verdict.Stutter},
		verdict.Stutter:         {verdict.Freeze, verdict.TimestampJump},
		verdict.Dark:            {verdict.Black, verdict.SolidColor, verdict.LetterboxChange, verdict.Banding},
		verdict.Overexposed:     {verdict.SolidColor, verdict.Flash},
		verdict.SolidColor:      {verdict.Freeze, verdict.Stutter, verdict.Dark, verdict.Overexposed, verdict.Black, verdict.Blur, verdict.LetterboxChange},
		verdict.ColorBars:       {verdict.Freeze, verdict.Stutter, verdict.SolidColor},
		verdict.LetterboxChange: {verdict.Dark},
		// A flash of the whole picture is one colour that stands still, white then black.
		verdict.Flash:       {verdict.Overexposed, verdict.Black, verdict.Dark, verdict.SolidColor, verdict.Freeze, verdict.Stutter, verdict.LetterboxChange},
		verdict.Blur:        {verdict.Upscaling, verdict.Compression},
		verdict.Upscaling:   {verdict.Blur},
		verdict.Compression: {verdict.Blockiness, verdict.Blur, verdict.Banding},
		verdict.Banding:     {verdict.Compression},
		verdict.Blockiness:  {verdict.BlockCorruption, verdict.Compression, verdict.Banding},
		// Lost data: the decoder complains, pictures are missing or repeated, blocks show.
		verdict.BlockCorruption: {verdict.DecodeError, verdict.TimestampJump, verdict.Stutter, verdict.Freeze, verdict.Blockiness},
		verdict.DecodeError:     {verdict.BlockCorruption, verdict.TimestampJump, verdict.Stutter, verdict.Freeze, verdict.Blockiness},

		// Where sound is cut off or changed at once, the cut is a click.
		verdict.Silence:     {verdict.Loudness, verdict.Dropout, verdict.Click},
		verdict.Dropout:     {verdict.Silence, verdict.Click},
		verdict.Clipping:    {verdict.TruePeak, verdict.Loudness},
		verdict.Phase:       {verdict.Click},
		verdict.Loudness:    {verdict.Silence, verdict.TruePeak, verdict.Clipping, verdict.Click},
		verdict.Click:       {verdict.TruePeak, verdict.Clipping},
		verdict.Hum:         {verdict.Loudness},
		verdict.Hiss:        {verdict.Loudness},
		verdict.DeadChannel: {verdict.Phase, verdict.Loudness, verdict.Click},
		verdict.DCOffset:    {verdict.Clipping, verdict.TruePeak, verdict.Click},
		// A piece that comes again begins and ends with a step; a frame of sound that
		// cannot be decoded is a hole, or noise as loud as can be.
		verdict.AudioStutter: {verdict.Click},
		verdict.CodecDamage:  {verdict.Dropout, verdict.Silence, verdict.Click, verdict.Clipping, verdict.TruePeak, verdict.Loudness},
		verdict.AVDesync:     {verdict.TimestampJump, verdict.Click, verdict.Silence},
	}
}

// companionReach is how long after a defect its companion may still be there:
// short-term loudness looks back over 3 s (EBU Tech 3341).
func companionReach(d verdict.Defect) time.Duration {
	if d == verdict.Loudness {
		return 3 * time.Second
	}
	return 0
}

// accompanies tells whether a verdict of defect d may come with an injected one.
func accompanies(table map[verdict.Defect][]verdict.Defect, injected, d verdict.Defect) bool {
	return slices.Contains(table[injected], d)
}

// GoesWith tells whether a verdict of defect d may rightly come with an injected one.
func GoesWith(injected, d verdict.Defect) bool { return accompanies(companions(), injected, d) }
