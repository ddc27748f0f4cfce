//go:build cuda

package cuda_test

import (
	"testing"
	"unsafe"

	"github.com/streamvet/streamvet/engine/device"
	"github.com/streamvet/streamvet/engine/device/cuda/double"
	"github.com/streamvet/streamvet/engine/device/kernels"
	"github.com/streamvet/streamvet/engine/frame"
)

const (
	measuresBytes = uint64(unsafe.Sizeof(frame.Measures{}))
	geometryBytes = uint64(unsafe.Sizeof(kernels.Picture{}))
	planBytes     = uint64(unsafe.Sizeof(struct { // with its geometry
		plan     kernels.Plan
		geometry kernels.Picture
	}{}))
	pictureBytes = 256 * (32 + 16 + 16) // 48x32: the rows of three planes, each in 256 bytes
)

// crossed is what the device says of its copies; the double must have seen the same
// bytes in the same number of copies.
func (r *rig) crossed() device.Copies {
	r.t.Helper()
	c := r.Copies()
	seen := double.Counters()
	for way, k := range map[string]struct {
		counted [len(c.ToHost)]device.Traffic
		seen    double.Traffic
	}{"to the device": {c.ToDevice, seen.ToDevice}, "to the host": {c.ToHost, seen.ToHost}} {
		var all device.Traffic
		for _, t := range k.counted {
			all.Calls, all.Bytes = all.Calls+t.Calls, all.Bytes+t.Bytes
		}
		if got := (device.Traffic{Calls: k.seen.Calls, Bytes: k.seen.Bytes}); got != all {
			r.t.Errorf("the driver saw %+v go %s, the device counts %+v", got, way, all)
		}
	}
	return c
}

func TestEveryByteIsCounted(t *testing.T) {
	onDouble(t)
	r := newRig(t)
	var want device.Copies
	expect := func(step string) {
		t.Helper()
		check(t, r.stream.Sync())
		if got := r.crossed(); got != want {
			t.Errorf("after %s: %+v crossed the bus, want %+v", step, got, want)
		}
	}
	expect("open")

	x, u, m := r.tensor(), r.uploader(), r.meter()
	expect("a tensor, an uploader and a meter")

	p := r.plan()
	want.ToDevice[device.ForPlans] = device.Traffic{Calls: 1, Bytes: planBytes}
	expect("a plan")

	f, err := u.Upload(grey(t, 90, 48, 32))
	check(t, err)
	defer f.Release()
	want.ToDevice[device.ForPictures] = device.Traffic{Calls: 1, Bytes: pictureBytes}
	expect("a picture")

	check(t, p.Put(f, x, 1))
	expect("a put")

	for range 5 {
		check(t, m.Measure(f))
	}
	want.ToDevice[device.ForPlans] = device.Traffic{Calls: 2, Bytes: planBytes + geometryBytes}
	want.ToHost[device.ForMeasures] = device.Traffic{Calls: 5, Bytes: 5 * measuresBytes}
	expect("five pictures of one geometry")

	for i, purpose := range []device.Purpose{device.ForOutputs, device.ForEvidence} {
		b := r.readback(64, purpose)
		check(t, b.Copy(r.stream, x, i, 11+i))
		_, err := b.Wait()
		check(t, err)
		want.ToHost[purpose] = device.Traffic{Calls: 1, Bytes: uint64(11 + i)}
	}
	expect("readbacks")
}

// A track of pictures that are on the device crosses the bus as its measures alone,
// and the host never waits for the GPU but for them.
func TestSteadyTrackMovesItsMeasuresAlone(t *testing.T) {
	onDouble(t)
	r := newRig(t)
	x, u, m, p := r.tensor(), r.uploader(), r.meter(), r.plan()
	var pictures [8]*frame.Video // as many as the uploader has
	for i := range pictures {
		f, err := u.Upload(grey(t, byte(20*i), 48, 32))
		check(t, err)
		defer f.Release()
		pictures[i] = f
	}
	turn := func(i int) {
		f := pictures[i%len(pictures)]
		check(t, m.Measure(f))
		check(t, p.Put(f, x, i%2))
		var got frame.Measures
		if m.Pending() > 3 {
			if ready, err := m.Next(&got, true); !ready || err != nil {
				t.Fatalf("next: %v, %v", ready, err)
			}
		}
	}
	for i := range 8 {
		turn(i)
	}
	before, beforeLive := r.crossed(), double.Counters().Live
	for i := range 100 {
		turn(i)
	}
	want := before
	want.ToHost[device.ForMeasures].Calls += 100
	want.ToHost[device.ForMeasures].Bytes += 100 * measuresBytes
	if got := r.crossed(); got != want {
		t.Errorf("%+v crossed the bus after 100 pictures, want %+v", got, want)
	}
	if live := double.Counters().Live; live != beforeLive {
		t.Errorf("100 pictures took memory: %+v, before them %+v", live, beforeLive)
	}
}

func TestPicturesCostNoAllocation(t *testing.T) {
	r := newRig(t)
	x, u, m, p := r.tensor(), r.uploader(), r.meter(), r.plan()
	host := grey(t, 50, 48, 32)
	var got frame.Measures
	n := testing.AllocsPerRun(50, func() {
		f, err := u.Upload(host)
		check(t, err)
		check(t, m.Measure(f))
		check(t, p.Put(f, x, 0))
		f.Release()
		if ready, err := m.Next(&got, true); !ready || err != nil {
			t.Fatalf("next: %v, %v", ready, err)
		}
	})
	if n > 1 { // cu makes an error of "not ready", which is a number above those that Go keeps
		t.Errorf("%v allocations a picture", n)
	}
}
