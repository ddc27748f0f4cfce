package inject

import (
	"math/rand/v2"
	"time"

	"github.com/streamvet/streamvet/engine/verdict"
)

// soundKinds are the kinds that change raw samples.
func soundKinds() []Kind {
	kinds := append(momentaryKinds(), lastingKinds()...)
	for i := range kinds {
		kinds[i].Medium, kinds[i].Length = Sound, time.Second
	}
	return kinds
}

func decibels(name string, def, least, most float64, help string) Param {
	return Param{Name: name, Default: def, Min: least, Max: most, Unit: "dB", Help: help}
}

// momentaryKinds are sparse: many short spots in a range.
func momentaryKinds() []Kind {
	perSecond := Param{Name: "per_second", Default: 2, Min: 0.01, Max: 50, Help: "how many a second, at random places of START-END"}
	return []Kind{
		{Name: "click", Defect: verdict.Click, Summary: "single clicks; START alone makes one", Example: "click:amplitude=0.7,per_second=3@2-6",
			Params: []Param{{Name: "amplitude", Default: 0.7, Min: 0.01, Max: 2, Help: "height; full scale is 1"}, perSecond},
			Levels: ladder("amplitude", 0.15, 0.3, 0.5, 0.8), spots: clickSpots, sound: click},
		{Name: "dropout", Defect: verdict.Dropout, Summary: "short holes in the sound; START alone makes one", Example: "dropout:ms=30,per_second=2@2-6",
			Params: []Param{{Name: "ms", Default: 30, Min: 1, Max: 1000, Unit: "ms", Help: "length of a hole"}, perSecond},
			Levels: ladder("ms", 10, 20, 40, 80), spots: dropoutSpots, sound: silence},
		{Name: "audio_stutter", Defect: verdict.AudioStutter, Summary: "a short piece of sound comes again and again, as from a stuck buffer; START alone makes one", Example: "audio_stutter:ms=80,repeats=4@2-6",
			Params: []Param{{Name: "ms", Default: 80, Min: 2, Max: 1000, Unit: "ms", Help: "length of the piece"},
				{Name: "repeats", Default: 3, Min: 1, Max: 100, Whole: true, Help: "how often it comes again"},
				{Name: "per_second", Default: 0.5, Min: 0.01, Max: 10, Help: "how many a second, at random places of START-END"}},
			Levels: []Params{{"ms": 20, "repeats": 6}, {"ms": 40, "repeats": 4}, {"ms": 80, "repeats": 3}, {"ms": 160, "repeats": 3}},
			spots:  stutterSpots, leadSamples: func(p Params, rateHz int) int64 { return samplesOf(p, rateHz) }, sound: audioStutter},
		{Name: "codec_damage", Defect: verdict.CodecDamage, Summary: "wrong bytes in coded sound, decoded again", Example: "codec_damage:rate=0.1@2-6",
			Params: []Param{{Name: "rate", Default: 0.05, Min: 0.001, Max: 1, Help: "share of the coded frames that are damaged"},
				{Name: "bytes", Default: 4, Min: 1, Max: 64, Whole: true, Unit: "bytes", Help: "that are wrong in a damaged frame"},
				{Name: "kbps", Default: 128, Min: 16, Max: 512, Unit: "kb/s", Help: "of the coding"},
				{Name: "codec", Max: 4, Whole: true, Help: "1 AAC, 2 MP2, 3 MP3, 4 Opus; 0: AAC or MP2, as the seed draws it"}},
			Levels: ladder("rate", 0.02, 0.05, 0.1, 0.3), substitute: damageSound},
	}
}

// lastingKinds change a range from its start to its end.
func lastingKinds() []Kind {
	channel := Param{Name: "channel", Default: 2, Min: 1, Max: 16, Whole: true, Help: "which channel, from 1"}
	return []Kind{
		{Name: "silence", Defect: verdict.Silence, Summary: "no sound at all", Example: "silence@2-4", sound: silence},
		{Name: "clipping", Defect: verdict.Clipping, Summary: "too loud, cut off at the ceiling", Example: "clipping:gain=18@2-5",
			Params: []Param{decibels("gain", 15, 0.1, 60, "gain before the cut"), decibels("ceiling", 0, -40, 0, "full scale is 0")},
			Levels: ladder("gain", 9, 12, 18, 24), sound: clipping},
		{Name: "phase", Defect: verdict.Phase, Summary: "one channel with its sign turned", Example: "phase@2-6", Params: []Param{channel}, sound: phase},
		{Name: "level", Defect: verdict.Loudness, Summary: "louder or quieter", Example: "level:gain=-20@2-6",
			Params: []Param{decibels("gain", -20, -90, 40, "change of level; cut off at full scale")},
			Levels: ladder("gain", -20, -10, 10, 20), sound: level},
		{Name: "hum", Defect: verdict.Hum, Summary: "mains hum with its harmonics", Example: "hum:frequency=50,dbfs=-25@2-8",
			Params: []Param{{Name: "frequency", Default: 50, Min: 10, Max: 1000, Unit: "Hz", Help: "of the mains"},
				decibels("dbfs", -25, -90, 0, "of the fundamental, against full scale"),
				{Name: "harmonics", Default: 4, Max: 20, Whole: true, Help: "how many, each 6 dB below the one before"}},
			Levels: ladder("dbfs", -45, -38, -31, -25), sound: hum},
		{Name: "hiss", Defect: verdict.Hiss, Summary: "white noise", Example: "hiss:dbfs=-35@2-8",
			Params: []Param{decibels("dbfs", -35, -90, 0, "RMS, against full scale")}, Levels: ladder("dbfs", -55, -48, -41, -34), sound: hiss},
		{Name: "dead_channel", Defect: verdict.DeadChannel, Summary: "one channel without sound", Example: "dead_channel:channel=1@2-8", Params: []Param{channel}, sound: deadChannel},
		{Name: "dc_offset", Defect: verdict.DCOffset, Summary: "all samples moved off zero", Example: "dc_offset:offset=0.1@2-8",
			Params: []Param{{Name: "offset", Default: 0.1, Min: -1, Max: 1, Help: "full scale is 1"}}, Levels: ladder("offset", 0.02, 0.04, 0.08, 0.16), sound: dcOffset},
		{Name: "av_offset", Defect: verdict.AVDesync, Summary: "sound of an earlier or later moment of the clip", Example: "av_offset:ms=-160@2-8",
			Params: []Param{lateParam()}, Levels: lateLevels(), substitute: shift},
	}
}

func dropoutSpots(p Params, samples int64, rateHz int, rng *rand.Rand) []span {
	return spread(p["per_second"], samples, samplesOf(p, rateHz), rateHz, rng)
}

// samplesOf is the parameter ms in samples.
func samplesOf(p Params, rateHz int) int64 { return max(int64(p["ms"]*float64(rateHz)/1000), 1) }

func clickSpots(p Params, samples int64, rateHz int, rng *rand.Rand) []span {
	return spread(p["per_second"], samples, int64(len(clickShape)), rateHz, rng)
}

func stutterSpots(p Params, samples int64, rateHz int, rng *rand.Rand) []span {
	return spread(p["per_second"], samples, samplesOf(p, rateHz)*int64(p["repeats"]), rateHz, rng)
}

// spread places spots of a length at random, one in each of equal parts of the
// range, so that they neither meet nor bunch up.
func spread(perSecond float64, samples, length int64, rateHz int, rng *rand.Rand) []span {
	if samples == 0 {
		return []span{{0, length}}
	}
	n := max(int64(perSecond*float64(samples)/float64(rateHz)), 1)
	for n > 1 && samples/n < 2*length {
		n--
	}
	var out []span
	for i := range n {
		from, to := i*samples/n, (i+1)*samples/n-length
		at := from
		if to-length > from {
			at += rng.Int64N(to - length - from)
		}
		out = append(out, span{at, min(at+length, samples)})
	}
	return out
}
