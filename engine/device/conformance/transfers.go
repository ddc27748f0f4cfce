package conformance

import (
	"bytes"
	"fmt"
	"reflect"
	"testing"

	"github.com/streamvet/streamvet/engine/device"
	"github.com/streamvet/streamvet/engine/frame"
)

// uploadsMatch sends pictures of all formats and sizes up by one uploader, in turn,
// and compares every sample.
func uploadsMatch(t *testing.T, open func() (device.Device, error)) {
	r, reference := newRig(t, open), newRig(t, openReference)
	u := r.uploader()
	for name, format := range formats {
		for i, size := range sizes {
			p := newPicture(t, size[0], size[1], format, 7*(i%3)).paint(noise(uint64(i)))
			c := device.PlanConfig{
				Width: p.Width, Height: p.Height, Format: format, Colour: p.Colour,
				Channels: device.RGB, Filter: device.None, OutWidth: p.Width, OutHeight: p.Height, Type: device.F32,
			}
			f, err := u.Upload(p.Video)
			if err != nil {
				t.Fatalf("%s %v: %v", name, size, err)
			}
			if f.Mem != r.Mem() {
				t.Fatalf("%s %v: the picture lies in memory of kind %d, the device's is %d", name, size, f.Mem, r.Mem())
			}
			x := r.tensor(shapeOf(c, 1), c.Type)
			if err := r.plan(c).Put(f, x, 0); err != nil {
				t.Fatalf("%s %v: %v", name, size, err)
			}
			f.Release()
			if !bytes.Equal(r.content(x), reference.put(c, p.Video)) {
				t.Errorf("%s %v: the picture differs on the device", name, size)
			}
		}
	}
}

// uploadsDescribe sets every field that a picture has.
func uploadsDescribe(t *testing.T, open func() (device.Device, error)) {
	r := newRig(t, open)
	p := newPicture(t, 48, 32, formats["nv12"], 0)
	skip := map[string]bool{"Planes": true, "Mem": true, "Native": true, "Width": true, "Height": true, "Format": true}
	v := reflect.ValueOf(p.Video).Elem()
	for i := range v.NumField() {
		if field := v.Type().Field(i); field.IsExported() && !skip[field.Name] {
			fill(v.Field(i))
		}
	}
	f, err := r.uploader().Upload(p.Video)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Release()
	got := reflect.ValueOf(f).Elem()
	for i := range v.NumField() {
		field := v.Type().Field(i)
		if !field.IsExported() || skip[field.Name] && field.Type.Kind() != reflect.Int && field.Name != "Format" {
			continue
		}
		if a, b := got.Field(i).Interface(), v.Field(i).Interface(); a != b {
			t.Errorf("%s is %v, want %v", field.Name, a, b)
		}
	}
}

// fill makes a value that is not zero of whatever a picture's field is.
func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(90)
	case reflect.Uint8:
		v.SetUint(1)
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i))
		}
	default:
		panic(fmt.Sprintf("no value for a %v", v.Type()))
	}
}

// uploadsLast uploads more pictures than are under way at once, releases each
// before it is read, and closes the uploader while a picture is out.
func uploadsLast(t *testing.T, open func() (device.Device, error)) {
	r := newRig(t, open)
	u, m := r.uploader(), r.meter()
	var last *frame.Video
	for i := range 40 {
		p := small(t, float64(i))
		f, err := u.Upload(p.Video)
		if err != nil {
			t.Fatalf("upload %d: %v", i, err)
		}
		p.Release()
		if r.Mem() == frame.MemDevice {
			if !p.released {
				t.Fatalf("upload %d keeps the picture", i)
			}
			p.paint(constant(200, 200, 200))
		}
		if err := m.Measure(f); err != nil {
			t.Fatalf("measure %d: %v", i, err)
		}
		var got frame.Measures
		if i >= 8 { // some are on their way
			if ready, err := m.Next(&got, true); err != nil || !ready || got.Min != uint32(i-8) {
				t.Fatalf("measures %d: %v, %v, of a picture of level %d", i-8, ready, err, got.Min)
			}
		}
		if last != nil {
			last.Release()
		}
		last = f
	}
	if err := u.Close(); err != nil {
		t.Fatal(err)
	}
	if got := r.measure(last); got.Min != 39 {
		t.Errorf("after the uploader is closed, the picture that is out has level %d, want 39", got.Min)
	}
	last.Release()
}

func uploadsRefused(t *testing.T, open func() (device.Device, error)) {
	r := newRig(t, open)
	u := r.uploader()
	elsewhere := small(t, 1).Video
	elsewhere.Mem = frame.MemDevice
	for name, f := range map[string]*frame.Video{"nothing": nil, "a picture in device memory": elsewhere} {
		if _, err := u.Upload(f); err == nil {
			t.Errorf("upload takes %s", name)
		}
	}
}

// readbacksMatch brings pieces of a tensor to the host, of odd sizes at odd places.
func readbacksMatch(t *testing.T, open func() (device.Device, error)) {
	r := newRig(t, open)
	c := goodPlan()
	c.OutWidth, c.OutHeight = 29, 17
	p := newPicture(t, 48, 32, c.Format, 0).paint(noise(1))
	whole := newRig(t, openReference).put(c, p.Video)
	x := r.tensor(shapeOf(c, 2), c.Type)
	if err := r.plan(c).Put(r.reach(p.Video), x, 1); err != nil {
		t.Fatal(err)
	}
	whole = append(make([]byte, len(whole)), whole...) // row 0 was never put
	b := r.readback(len(whole))
	for _, k := range []struct{ offset, n int }{{0, len(whole)}, {0, 1}, {len(whole) - 1, 1}, {len(whole)/2 - 3, 7}, {len(whole) / 2, len(whole) / 2}} {
		if !bytes.Equal(r.read(r.stream, b, x, k.offset, k.n), whole[k.offset:k.offset+k.n]) {
			t.Errorf("%d bytes at %d differ", k.n, k.offset)
		}
	}
}

func readbacksRefused(t *testing.T, open func() (device.Device, error)) {
	r := newRig(t, open)
	for _, n := range []int{0, -1, 1 << 62} {
		if b, err := r.NewReadback(n, device.ForOutputs); err == nil {
			b.Close()
			t.Errorf("a readback of %d bytes was made", n)
		}
	}
	b, x := r.readback(8), r.tensor(device.Shape{N: 1, C: 1, H: 1, W: 12}, device.U8)
	if _, err := b.Wait(); err == nil {
		t.Error("wait for nothing")
	}
	for name, k := range map[string]struct {
		of        device.Tensor
		offset, n int
	}{
		"more than there is room for": {x, 0, 9}, "nothing": {x, 0, 0}, "less than nothing": {x, 0, -1},
		"what lies behind": {x, 5, 8}, "what lies before": {x, -1, 4}, "no tensor": {nil, 0, 4}, "a foreign tensor": {foreign{x}, 0, 4},
	} {
		if b.Copy(r.stream, k.of, k.offset, k.n) == nil {
			t.Errorf("copy takes %s", name)
			_, _ = b.Wait()
		}
	}
	if err := b.Copy(r.stream, x, 4, 8); err != nil {
		t.Fatalf("after all refusals: %v", err)
	}
	if b.Copy(r.stream, x, 4, 8) == nil {
		t.Error("a second copy before wait")
	}
	if _, err := b.Wait(); err != nil {
		t.Error(err)
	}
	if _, err := b.Wait(); err == nil {
		t.Error("a second wait for one copy")
	}
}

// streamsOrder writes a tensor on one stream and reads it on another, behind an event.
func streamsOrder(t *testing.T, open func() (device.Device, error)) {
	r := newRig(t, open)
	other, err := r.NewStream()
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	e, err := r.NewEvent()
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if done, err := e.Done(); !done || err != nil {
		t.Errorf("an event that was never recorded: %v, %v", done, err)
	}
	c := goodPlan()
	p, x, b := r.plan(c), r.tensor(shapeOf(c, 1), c.Type), r.readback(1)
	for level := 20; level < 200; level += 30 {
		if err := p.Put(r.reach(small(t, float64(level)).Video), x, 0); err != nil {
			t.Fatal(err)
		}
		if err := r.stream.Record(e); err != nil {
			t.Fatal(err)
		}
		if err := other.Wait(e); err != nil {
			t.Fatal(err)
		}
		if got, want := int(r.read(other, b, x, 0, 1)[0]), (level-16)*255/219; got < want-1 || got > want+1 {
			t.Errorf("the other stream reads %d, want %d", got, want)
		}
		if done, err := e.Done(); !done || err != nil {
			t.Errorf("the event before what was read: %v, %v", done, err)
		}
	}
}
