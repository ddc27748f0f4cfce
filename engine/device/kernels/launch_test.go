package kernels_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/streamvet/streamvet/engine/device"
	"github.com/streamvet/streamvet/engine/device/kernels"
	"github.com/streamvet/streamvet/engine/frame"
)

// entries are the kernels of the PTX, by the types of their parameters.
func entries() map[string][]string {
	found := map[string][]string{}
	for _, m := range regexp.MustCompile(`(?s)\.visible \.entry (\w+)\((.*?)\)`).FindAllStringSubmatch(kernels.PTX, -1) {
		found[m[1]] = nil
		for _, p := range regexp.MustCompile(`\.param (\.\w+) `).FindAllStringSubmatch(m[2], -1) {
			found[m[1]] = append(found[m[1]], p[1])
		}
	}
	return found
}

var sides = []int{1, 2, 3, 15, 16, 17, 31, 33, 63, 64, 65, 127, 128, 129, 720, 1080, 1081, 1920, 4320, kernels.SideMax - 1, kernels.SideMax}

var formats = map[string]frame.Format{
	"gray":    {BitDepth: 8, Mono: true},
	"nv12":    {BitDepth: 8, ChromaShiftX: 1, ChromaShiftY: 1, Interleaved: true},
	"yuv420p": {BitDepth: 8, ChromaShiftX: 1, ChromaShiftY: 1},
	"p010le":  {BitDepth: 10, HighAligned: true, ChromaShiftX: 1, ChromaShiftY: 1, Interleaved: true},
}

// eachPut calls f for conversions of every kind into tensors of every size.
func eachPut(f func(c device.PlanConfig, l kernels.Launch)) {
	for _, filter := range []device.Filter{device.Area, device.Bilinear, device.None} {
		for _, channels := range []device.Channels{device.Luma, device.RGB} {
			for _, dtype := range []device.DType{device.U8, device.F16, device.F32} {
				for _, w := range sides {
					for _, h := range sides {
						c := device.PlanConfig{Filter: filter, Channels: channels, Type: dtype, OutWidth: w, OutHeight: h}
						f(c, kernels.PutLaunch(c))
					}
				}
			}
		}
	}
}

// eachMeasure calls f for the kernels of pictures of every format and size.
func eachMeasure(f func(w, h int, format frame.Format, launches []kernels.Launch)) {
	for _, format := range formats {
		for _, w := range sides {
			for _, h := range sides {
				f(w, h, format, kernels.MeasureLaunches(w, h, format))
			}
		}
	}
}

// The driver is told nothing but the name and the parameters, 8 bytes each.
func TestLaunchesNameEntriesOfThePTX(t *testing.T) {
	want := map[string][]string{}
	eachPut(func(_ device.PlanConfig, l kernels.Launch) { want[l.Entry] = slices.Repeat([]string{".u64"}, 9) })
	eachMeasure(func(_, _ int, _ frame.Format, launches []kernels.Launch) {
		for _, l := range launches {
			want[l.Entry] = slices.Repeat([]string{".u64"}, 11)
		}
	})
	got := entries()
	for name, parameters := range want {
		if !slices.Equal(got[name], parameters) {
			t.Errorf("entry %s of the PTX takes %v, a launch gives it %v", name, got[name], parameters)
		}
	}
	for name := range got {
		if want[name] == nil {
			t.Errorf("entry %s of the PTX is never launched", name)
		}
	}
}

// within tells what a GPU would refuse of a launch.
func within(l kernels.Launch) error {
	threads := l.Block[0] * l.Block[1] * l.Block[2]
	switch {
	case threads < 1 || threads > 1024 || threads%32 != 0:
		return fmt.Errorf("%s: thread blocks of %v: whole warps, 1024 threads at most", l.Entry, l.Block)
	case l.Grid[0] < 1 || l.Grid[0] > 1<<31-1 || min(l.Grid[1], l.Grid[2]) < 1 || max(l.Grid[1], l.Grid[2]) > 65535:
		return fmt.Errorf("%s: a grid of %v", l.Entry, l.Grid)
	}
	return nil
}

func planes(f frame.Format) int {
	switch {
	case f.Mono:
		return 1
	case f.Interleaved:
		return 2
	}
	return 3
}

// covers tells whether n pieces of size each are what a side takes.
func covers(n, each, side int) bool { return n*each >= side && (n-1)*each < side }

func TestPutLaunchesCoverTheTensor(t *testing.T) {
	eachPut(func(c device.PlanConfig, l kernels.Launch) {
		each := 1
		if strings.HasPrefix(l.Entry, "sv_put_luma_") {
			each = 4
		}
		if native := c.Channels == device.Luma && c.Filter == device.None; native != (each == 4) {
			t.Fatalf("%+v is put by %s", c, l.Entry)
		}
		if !strings.HasSuffix(l.Entry, "_"+c.Type.String()) {
			t.Fatalf("a tensor of %v is put by %s", c.Type, l.Entry)
		}
		if err := within(l); err != nil {
			t.Fatal(err)
		}
		if !covers(l.Grid[0], each*l.Block[0], c.OutWidth) || !covers(l.Grid[1], each*l.Block[1], c.OutHeight) {
			t.Fatalf("%s over %v x %v does not fit a tensor of %dx%d", l.Entry, l.Grid, l.Block, c.OutWidth, c.OutHeight)
		}
	})
}

func TestMeasureLaunchesCoverThePicture(t *testing.T) {
	eachMeasure(func(w, h int, format frame.Format, launches []kernels.Launch) {
		if launches[0].Entry != "sv_measure_begin" || launches[0].Grid != [3]int{1, 1, 1} {
			t.Fatalf("the first kernel is %+v: all others add to what it clears", launches[0])
		}
		for _, l := range launches {
			if err := within(l); err != nil {
				t.Fatalf("%dx%d: %v", w, h, err)
			}
			ok := true
			switch l.Entry {
			case "sv_measure_tiles":
				ok = covers(l.Grid[0], 128, w) && covers(l.Grid[1], 64, h) && l.Block == [3]int{128, 1, 1}
			case "sv_measure_cells":
				lanes := l.Block[0]
				ok = l.Grid[0]*l.Block[1] == frame.GridWidth && l.Grid[1] == frame.GridHeight && l.Grid[2] == planes(format) &&
					lanes <= 32 && lanes&(lanes-1) == 0
			case "sv_measure_bars":
				columns := (w + 127) / 128
				ok = covers(l.Grid[0]-columns, l.Block[0]/32, h) && l.Block[0] == 512
			}
			if !ok {
				t.Fatalf("%s over %v x %v does not fit a picture of %dx%d, %+v", l.Entry, l.Grid, l.Block, w, h, format)
			}
		}
	})
}

// A GPU of compute capability 7.5 and a driver of 2018 are enough.
func TestPTXAsksForNoMoreThanItNeeds(t *testing.T) {
	for _, line := range []string{".version 6.3\n", ".target sm_75\n", ".address_size 64\n"} {
		if !strings.Contains(kernels.PTX, line) {
			t.Errorf("the PTX does not say %q", line)
		}
	}
	if m := regexp.MustCompile(`.*(fma\.|\.approx|\.ftz|\.local).*`).FindString(kernels.PTX); m != "" {
		t.Errorf("the PTX has %q: it contracts, approximates or keeps values in memory", strings.TrimSpace(m))
	}
}
