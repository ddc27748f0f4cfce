package inject

import (
	"math/rand/v2"
	"time"

	"github.com/streamvet/streamvet/engine/verdict"
)

// soundKinds are the kinds that change raw samples.
func soundKinds() []Kind {
	channel := Param{Name: "channel", Default: 2, Min: 1, Max: 16, Whole: true, Help: "which channel, from 1"}
	perSecond := Param{Name: "per_second", Default: 2, Min: 0.01, Max: 50, Help: "how many a second, at random places of START-END"}
	decibels := func(name string, def, least, most float64, help string) Param {
		return Param{Name: name, Default: def, Min: least, Max: most, Unit: "dB", Help: help}
	}
	kinds := []Kind{
		{Name: "silence", Defect: verdict.Silence, Summary: "no sound at all", Example: "silence@2-4", sound: silence},
		{Name: "dropout", Defect: verdict.Dropout, Summary: "short holes in the sound; START alone makes one", Example: "dropout:ms=30,per_second=2@2-6",
			Params: []Param{{Name: "ms", Default: 30, Min: 1, Max: 1000, Unit: "ms", Help: "length of a hole"}, perSecond},
			spots:  dropoutSpots, sound: silence},
		{Name: "clipping", Defect: verdict.Clipping, Summary: "too loud, cut off at the ceiling", Example: "clipping:gain=18@2-5",
			Params: []Param{decibels("gain", 15, 0.1, 60, "gain before the cut"), decibels("ceiling", 0, -40, 0, "full scale is 0")}, sound: clipping},
		{Name: "phase", Defect: verdict.Phase, Summary: "one channel with its sign turned", Example: "phase@2-6", Params: []Param{channel}, sound: phase},
		{Name: "level", Defect: verdict.Loudness, Summary: "louder or quieter", Example: "level:gain=-20@2-6",
			Params: []Param{decibels("gain", -20, -90, 40, "change of level; cut off at full scale")}, sound: level},
		{Name: "click", Defect: verdict.Click, Summary: "single clicks; START alone makes one", Example: "click:amplitude=0.7,per_second=3@2-6",
			Params: []Param{{Name: "amplitude", Default: 0.7, Min: 0.01, Max: 2, Help: "height; full scale is 1"}, perSecond},
			spots:  clickSpots, sound: click},
		{Name: "hum", Defect: verdict.Hum, Summary: "mains hum with its harmonics", Example: "hum:frequency=50,level=-25@2-8",
			Params: []Param{{Name: "frequency", Default: 50, Min: 10, Max: 1000, Unit: "Hz", Help: "of the mains"},
				decibels("level", -25, -90, 0, "of the fundamental, against full scale"),
				{Name: "harmonics", Default: 4, Max: 20, Whole: true, Help: "how many, each 6 dB below the one before"}}, sound: hum},
		{Name: "hiss", Defect: verdict.Hiss, Summary: "white noise", Example: "hiss:level=-35@2-8", Params: []Param{decibels("level", -35, -90, 0, "RMS, against full scale")}, sound: hiss},
		{Name: "dead_channel", Defect: verdict.DeadChannel, Summary: "one channel without sound", Example: "dead_channel:channel=1@2-8", Params: []Param{channel}, sound: deadChannel},
		{Name: "dc_offset", Defect: verdict.DCOffset, Summary: "all samples moved off zero", Example: "dc_offset:offset=0.1@2-8",
			Params: []Param{{Name: "offset", Default: 0.1, Min: -1, Max: 1, Help: "full scale is 1"}}, sound: dcOffset},
	}
	for i := range kinds {
		kinds[i].Medium, kinds[i].Length = Sound, time.Second
	}
	return kinds
}

func dropoutSpots(p Params, samples int64, rateHz int, rng *rand.Rand) []span {
	length := max(int64(p["ms"]*float64(rateHz)/1000), 1)
	return spread(p["per_second"], samples, length, rateHz, rng)
}

func clickSpots(p Params, samples int64, rateHz int, rng *rand.Rand) []span {
	return spread(p["per_second"], samples, int64(len(clickShape)), rateHz, rng)
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
