package conformance

import (
	"errors"
	"math"
	"testing"
	"unsafe"

	"github.com/streamvet/streamvet/engine/device"
	"github.com/streamvet/streamvet/engine/frame"
)

func small(t testing.TB, level float64) *picture {
	return newPicture(t, 48, 32, formats["yuv420p"], 0).paint(constant(level, 128, 128))
}

func meterRemembers(t *testing.T, open func() (device.Device, error)) {
	r := newRig(t, open)
	m := r.meter()
	other := newPicture(t, 40, 32, formats["yuv420p"], 0).paint(constant(60, 128, 128))
	for i, step := range []struct {
		p        *picture
		reset    bool
		previous uint32
		sad      uint64
	}{
		{small(t, 50), false, 0, 0}, // the first
		{small(t, 53), false, 1, 48 * 32 * 3},
		{other, false, 0, 0}, // another size
		{small(t, 53), false, 0, 0},
		{small(t, 53), false, 1, 0},
		{small(t, 60), true, 0, 0}, // after a cut in the timeline
		{small(t, 61), false, 1, 48 * 32},
	} {
		if step.reset {
			m.Reset()
		}
		if err := m.Measure(r.reach(step.p.Video)); err != nil {
			t.Fatalf("picture %d: %v", i, err)
		}
		var got frame.Measures
		if ready, err := m.Next(&got, true); err != nil || !ready {
			t.Fatalf("picture %d: next: %v, %v", i, ready, err)
		}
		if got.HasPrevious != step.previous || got.SAD != step.sad {
			t.Errorf("picture %d: HasPrevious %d and SAD %d, want %d and %d", i, got.HasPrevious, got.SAD, step.previous, step.sad)
		}
	}
}

func meterQueues(t *testing.T, open func() (device.Device, error)) {
	r := newRig(t, open)
	m := r.meter()
	var got frame.Measures
	if ready, err := m.Next(&got, true); ready || err != nil {
		t.Fatalf("next with nothing pending: %v, %v", ready, err)
	}
	taken := 0
	for ; taken < 1000; taken++ {
		if m.Measure(r.reach(small(t, float64(taken%200)).Video)) != nil {
			break
		}
		if m.Pending() != taken+1 {
			t.Fatalf("%d pending after %d pictures", m.Pending(), taken+1)
		}
	}
	if taken < 4 || taken == 1000 {
		t.Fatalf("the meter took %d pictures before it was full", taken)
	}
	for i := range taken {
		if ready, err := m.Next(&got, true); !ready || err != nil {
			t.Fatalf("next %d: %v, %v", i, ready, err)
		}
		if want := uint32(i % 200); got.Min != want {
			t.Fatalf("measures %d are those of a picture of level %d", i, got.Min)
		}
	}
	if err := m.Measure(r.reach(small(t, 1).Video)); err != nil {
		t.Fatalf("a meter that was emptied: %v", err)
	}
}

// meterAdapts measures pictures whose sizes and formats change from one to the next
// before any of the measures is taken.
func meterAdapts(t *testing.T, open func() (device.Device, error)) {
	r := newRig(t, open)
	m := r.meter()
	var track []*picture
	var there []*frame.Video // before the first is measured: what brings them may wait for the stream
	for i, name := range []string{"yuv420p", "yuv444p", "p010le", "gray", "yuv420p", "yuv420p"} {
		p := newPicture(t, 48+20*(i%3), 32, formats[name], i).paint(scene(uint64(i)))
		track, there = append(track, p), append(there, r.reach(p.Video))
	}
	for i, f := range there {
		if err := m.Measure(f); err != nil {
			t.Fatalf("picture %d: %v", i, err)
		}
	}
	for i, p := range track {
		var got frame.Measures
		if ready, err := m.Next(&got, true); !ready || err != nil {
			t.Fatalf("next %d: %v, %v", i, ready, err)
		}
		same(t, got, describe(p, nil)) // no two in a row are of one geometry
	}
}

func picturesReturn(t *testing.T, open func() (device.Device, error)) {
	r := newRig(t, open)
	m := r.meter()
	a, b := r.counted(small(t, 10)), r.counted(small(t, 20))
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(m.Measure(a.Video))
	a.Release()
	if a.released {
		t.Fatal("the meter needs the picture for the next one")
	}
	must(m.Measure(b.Video))
	b.Release()
	must(r.stream.Sync())
	if !a.released || b.released {
		t.Fatalf("after the second picture: first released %v, second %v", a.released, b.released)
	}
	if m.Measure(&frame.Video{}) == nil {
		t.Fatal("an empty picture was measured")
	}
	if b.released {
		t.Fatal("a refused picture drops the one before it")
	}
	must(m.Close())
	if !b.released {
		t.Fatal("a closed meter keeps a picture")
	}
	c := r.counted(small(t, 30))
	must(r.plan(goodPlan()).Put(c.Video, r.tensor(shapeOf(goodPlan(), 1), device.U8), 0))
	c.Release()
	must(r.stream.Sync())
	if !c.released {
		t.Fatal("a plan keeps a picture")
	}
}

// counted gives p as the device can read it, and still knows when it is released.
func (r *rig) counted(p *picture) *picture {
	r.Helper()
	if r.Mem() == frame.MemHost {
		return p
	}
	on := r.reach(p.Video)
	q := &picture{Video: &frame.Video{Planes: on.Planes, Mem: on.Mem, Format: on.Format, Width: on.Width, Height: on.Height, Colour: on.Colour}}
	q.Arm(func(*frame.Video) { q.released = true })
	return q
}

func goodPlan() device.PlanConfig {
	return device.PlanConfig{
		Width: 48, Height: 32, Format: formats["yuv420p"], Channels: device.RGB, Filter: device.Area,
		OutWidth: 12, OutHeight: 8, Type: device.U8,
	}
}

// foreign is a tensor of no device.
type foreign struct{ device.Tensor }

func misfitsRefused(t *testing.T, open func() (device.Device, error)) {
	r := newRig(t, open)
	c := goodPlan()
	p, m := r.plan(c), r.meter()
	x := r.tensor(shapeOf(c, 2), device.U8)
	for name, bend := range map[string]func(f *frame.Video){
		"no size":          func(f *frame.Video) { f.Width, f.Height = 0, 0 },
		"negative height":  func(f *frame.Video) { f.Height = -32 },
		"too wide":         func(f *frame.Video) { f.Width = 1 << 20 },
		"no luma":          func(f *frame.Video) { f.Planes[0].Data = nil },
		"no chroma":        func(f *frame.Video) { f.Planes[2].Data = nil },
		"short pitch":      func(f *frame.Video) { f.Planes[0].Pitch = 47 },
		"negative pitch":   func(f *frame.Video) { f.Planes[1].Pitch = -24 },
		"huge pitch":       func(f *frame.Video) { f.Planes[0].Pitch = 1 << 40 },
		"wrong memory":     func(f *frame.Video) { f.Mem = frame.MemDevice - f.Mem },
		"no depth":         func(f *frame.Video) { f.Format.BitDepth = 0 },
		"too deep":         func(f *frame.Video) { f.Format.BitDepth = 32 },
		"subsampling":      func(f *frame.Video) { f.Format.ChromaShiftX = 40 },
		"odd 16-bit pitch": func(f *frame.Video) { f.Format.BitDepth, f.Planes[0].Pitch = 10, 97 },
	} {
		f := *r.reach(small(t, 50).Video) //nolint:govet // the copy is never released
		bend(&f)
		if p.Put(&f, x, 0) == nil {
			t.Errorf("put takes a picture with %s", name)
		}
		if m.Measure(&f) == nil {
			t.Errorf("measure takes a picture with %s", name)
		}
	}
	good := r.reach(small(t, 50).Video)
	for name, f := range map[string]*frame.Video{
		"another size":   r.reach(newPicture(t, 46, 32, c.Format, 0).Video),
		"another format": r.reach(newPicture(t, 48, 32, formats["nv12"], 0).Video),
		"nothing":        nil,
	} {
		if p.Put(f, x, 0) == nil {
			t.Errorf("put takes %s", name)
		}
	}
	if m.Measure(nil) == nil {
		t.Error("measure takes nothing")
	}
	if _, err := m.Next(nil, false); err == nil {
		t.Error("next takes no destination")
	}
	s := shapeOf(c, 2)
	for name, d := range map[string]device.Tensor{
		"nil": nil, "foreign": foreign{x}, "f32": r.tensor(s, device.F32),
		"wide": r.tensor(device.Shape{N: 2, C: 3, H: s.H, W: s.W + 1}, device.U8),
		"grey": r.tensor(device.Shape{N: 2, C: 1, H: s.H, W: s.W}, device.U8),
	} {
		if p.Put(good, d, 0) == nil {
			t.Errorf("put takes a tensor that is %s", name)
		}
	}
	for _, n := range []int{-1, 2, math.MaxInt} {
		if p.Put(good, x, n) == nil {
			t.Errorf("put writes row %d of 2", n)
		}
	}
	if err := p.Put(good, x, 1); err != nil {
		t.Errorf("the plan after all refusals: %v", err)
	}
}

func plansRefused(t *testing.T, open func() (device.Device, error)) {
	r := newRig(t, open)
	nan := float32(math.NaN())
	for name, bend := range map[string]func(c *device.PlanConfig){
		"no width":             func(c *device.PlanConfig) { c.Width = 0 },
		"too large a picture":  func(c *device.PlanConfig) { c.Height = 1 << 15 },
		"no output":            func(c *device.PlanConfig) { c.OutHeight = 0 },
		"negative output":      func(c *device.PlanConfig) { c.OutWidth = -5 },
		"too large an output":  func(c *device.PlanConfig) { c.OutWidth = 1 << 30 },
		"an unknown filter":    func(c *device.PlanConfig) { c.Filter = 9 },
		"unknown channels":     func(c *device.PlanConfig) { c.Channels = 7 },
		"no type":              func(c *device.PlanConfig) { c.Type = 0 },
		"an unknown type":      func(c *device.PlanConfig) { c.Type = 9 },
		"an unknown matrix":    func(c *device.PlanConfig) { c.Colour.Matrix = 9 },
		"no depth":             func(c *device.PlanConfig) { c.Format.BitDepth = 0 },
		"native and too small": func(c *device.PlanConfig) { c.Filter = device.None },
		"native and letterbox": func(c *device.PlanConfig) {
			c.Filter, c.Letterbox, c.OutWidth, c.OutHeight = device.None, true, 48, 32
		},
		"a pad out of range":   func(c *device.PlanConfig) { c.Pad = 256 },
		"a pad that is none":   func(c *device.PlanConfig) { c.Pad = nan },
		"a mean that is none":  func(c *device.PlanConfig) { c.Type, c.Mean[1] = device.F32, nan },
		"a negative deviation": func(c *device.PlanConfig) { c.Type, c.Std[2] = device.F32, -1 },
		"normalised integers":  func(c *device.PlanConfig) { c.Std[0] = 1 },
	} {
		c := goodPlan()
		bend(&c)
		if p, err := r.NewPlan(r.stream, c); err == nil {
			p.Close()
			t.Errorf("a plan with %s was made", name)
		}
	}
	for _, s := range []device.Shape{{}, {N: 1, C: 1, H: -1, W: 1}, {N: 1 << 40, C: 1 << 40, H: 1, W: 1}, {N: math.MaxInt, C: 1, H: 1, W: 1}} {
		if x, err := r.NewTensor(s, device.U8); err == nil {
			x.Close()
			t.Errorf("a tensor of %+v was made", s)
		}
	}
	if x, err := r.NewTensor(device.Shape{N: 1, C: 1, H: 1, W: 1}, 0); err == nil {
		x.Close()
		t.Error("a tensor without a type was made")
	}
}

func closes(t *testing.T, open func() (device.Device, error)) {
	d, err := open()
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{TB: t, Device: d}
	if r.stream, err = d.NewStream(); err != nil {
		t.Fatal(err)
	}
	e, err := d.NewEvent()
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(r.stream.Record(e), r.stream.Wait(e), r.stream.Sync()); err != nil {
		t.Fatal(err)
	}
	if done, err := e.Done(); !done || err != nil {
		t.Fatalf("an event after Sync: %v, %v", done, err)
	}
	f := r.reach(small(t, 50).Video)
	x, err := d.NewTensor(shapeOf(goodPlan(), 1), device.U8)
	if err != nil {
		t.Fatal(err)
	}
	p, err := d.NewPlan(r.stream, goodPlan())
	if err != nil {
		t.Fatal(err)
	}
	m, err := d.NewMeter(r.stream)
	if err != nil {
		t.Fatal(err)
	}
	if x.Ptr() == unsafe.Pointer(nil) || uintptr(x.Ptr())%64 != 0 {
		t.Errorf("a tensor at %p is not aligned to 64 bytes", x.Ptr())
	}
	for range 2 {
		for _, c := range []interface{ Close() error }{x, p, m, e, r.stream, d} {
			if err := c.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
		}
	}
	refused := []error{p.Put(f, x, 0), m.Measure(f)}
	_, err = m.Next(new(frame.Measures), false)
	refused = append(refused, err)
	_, err = d.NewTensor(x.Shape(), device.U8)
	refused = append(refused, err)
	_, err = d.NewPlan(r.stream, goodPlan())
	refused = append(refused, err)
	_, err = d.NewMeter(r.stream)
	refused = append(refused, err)
	_, err = d.NewStream()
	refused = append(refused, err)
	for i, err := range refused {
		if !errors.Is(err, device.ErrClosed) {
			t.Errorf("use %d after close: %v", i, err)
		}
	}
}
