package inject

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestBadInputIsRefusedWithTheRemedy checks the message, and that nothing is left behind.
func TestBadInputIsRefusedWithTheRemedy(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	mute := filepath.Join(clipDir, "mute.mkv")
	ffmpeg(t, "-i", clip(t), "-an", "-c", "copy", mute)
	blind := filepath.Join(clipDir, "blind.wav")
	ffmpeg(t, "-i", clip(t), "-vn", "-ac", "1", blind)
	there := write("there.mp4", "")
	for _, test := range []struct {
		in, out, defect, want string
		change                func(*Job)
	}{
		{in: "nowhere.mp4", defect: "black@1-2", want: "no such file"},
		{in: dir, defect: "black@1-2", want: "is a directory"},
		{in: write("empty.mp4", ""), defect: "black@1-2", want: "look into"},
		{in: write("garbage.ts", strings.Repeat("no film ", 1000)), defect: "black@1-2", want: "look into"},
		{in: mute, defect: "silence@1-2", want: "no sound"},
		{in: blind, defect: "black@1-2", want: "no pictures"},
		{in: blind, defect: "silence@10f-20f", want: "give times in seconds"},
		{in: blind, defect: "packet_loss@1-2", want: "no pictures"},
		{in: blind, defect: "phase:channel=1@1-2", want: "mono"},
		{in: clip(t), defect: "dead_channel:channel=3@1-2", want: "has 2 channel(s)"},
		{in: clip(t), defect: "black@5-6", want: "the clip ends at 4.000 s"},
		{in: clip(t), defect: "black@1-6", want: "write 1-end"},
		{in: clip(t), defect: "black@60f-2", want: "END is not at least one picture after START"},
		{in: clip(t), defect: "stutter@0-2", want: "start at 1f"},
		{in: clip(t), defect: "stutter:repeat=8@1-2", want: "make every larger"},
		{in: clip(t), out: "out.avi", defect: "black@1-2", want: "use one of .mp4"},
		{in: clip(t), out: "out.wav", defect: "silence@1-2", want: "hold sound only"},
		{in: clip(t), out: "none/out.mp4", defect: "black@1-2", want: "no such file or directory"},
		{in: clip(t), out: "there.mp4", defect: "black@1-2", want: "give -y"},
		{in: there, out: "there.mp4", defect: "black@1-2", want: "look into"},
		{in: clip(t), defect: "black@1-2", want: "has an encoder", change: func(j *Job) { j.Encoder = "libnothing" }},
		{in: clip(t), defect: "black@1-2", want: "is the input", change: func(j *Job) { j.Out, j.Overwrite = j.In, true }},
		{in: clip(t), defect: "black@1-2", want: "is the input", change: func(j *Job) { j.TruthPath, j.Overwrite = j.In, true }},
		{in: clip(t), defect: "black@1-2", want: "no defect is named", change: func(j *Job) { j.Specs = nil }},
	} {
		if test.out == "" {
			test.out = "out.mp4"
		}
		job := Job{In: test.in, Out: filepath.Join(dir, test.out), Quality: -1, Specs: specs(t, test.defect)}
		if test.change != nil {
			test.change(&job)
		}
		_, err := Run(t.Context(), tools(t), job)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s into %s: error %v, want one with %q", test.defect, filepath.Base(test.in), err, test.want)
		}
	}
	left, _ := os.ReadDir(dir)
	if len(left) != 3 {
		t.Errorf("left behind: %v", left)
	}
}

func TestAFullDiskIsToldAndNothingIsLeft(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("no /dev/full here")
	}
	dir := t.TempDir()
	r := &run{tools: tools(t), job: Job{In: clip(t), Out: filepath.Join(dir, "out.mkv"), Quality: -1, Specs: specs(t, "black@1-2")}}
	if err := r.prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.partial = "/dev/full"
	err := r.make(t.Context())
	r.cleanUp()
	if err == nil || !strings.Contains(err.Error(), "disk is full") {
		t.Errorf("error %v", err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestCancelLeavesNothing cancels in every step of a run. Goroutines that stay
// are found at the end of the test binary.
func TestCancelLeavesNothing(t *testing.T) {
	for _, step := range []string{"encode", "compare"} {
		dir := t.TempDir()
		ctx, cancel := context.WithCancel(t.Context())
		job := Job{In: damageClip(t), Out: filepath.Join(dir, "out.ts"), TruthPath: filepath.Join(dir, "truth.json"), Quality: -1, Specs: specs(t, "packet_loss@2-4")}
		job.Progress = func(p Progress) {
			if p.Step == step && p.Pictures == 10 {
				cancel()
			}
		}
		if _, err := Run(ctx, tools(t), job); err == nil {
			t.Errorf("%s: no error after a cancel", step)
		}
		if left, _ := os.ReadDir(dir); len(left) != 0 {
			t.Errorf("%s: left behind: %v", step, left)
		}
		cancel()
	}
}

func TestTheSameSeedGivesTheSameBytes(t *testing.T) {
	defects := []string{"noise@1-2", "hiss@1-2", "dropout@2-4", "packet_loss@2-3"}
	read := func(seed uint64) []byte {
		out, _ := spoil(t, clip(t), "out.ts", func(j *Job) { j.Seed = seed }, defects...)
		data, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	first, second, other := read(5), read(5), read(6)
	if !bytes.Equal(first, second) {
		t.Error("two runs with one seed differ")
	}
	if bytes.Equal(first, other) {
		t.Error("another seed changes nothing")
	}
}

func TestSoundAlone(t *testing.T) {
	in := filepath.Join(clipDir, "alone.wav")
	ffmpeg(t, "-i", clip(t), "-vn", in)
	for _, name := range []string{"out.wav", "out.flac", "out.mka"} {
		out, truth := spoil(t, in, name, nil, "silence@1-end")
		got := samples(t, out)
		if len(got) != 4*clipHz*2 || truth.Frames != 0 || truth.Duration != 4 {
			t.Errorf("%s: %d samples, truth %+v", name, len(got), truth)
		}
		for i, v := range got[clipHz*2:] {
			if v != 0 {
				t.Fatalf("%s: sample %d is %v", name, clipHz+i/2, v)
			}
		}
	}
}

// TestOddClips: odd sizes, 10 bits, 4:4:4, full range, rotation, rates that are no
// whole numbers, pictures alone.
func TestOddClips(t *testing.T) {
	for _, test := range []struct {
		name, filter  string
		args          []string
		width, height int
		rate          string
	}{
		{"odd", "testsrc2=s=161x91:r=25:d=1,format=yuv444p", nil, 160, 90, "25"},
		{"ten bits", "testsrc2=s=160x90:r=25:d=1,format=yuv422p10le", nil, 160, 90, "25"},
		{"ntsc", "testsrc2=s=160x90:r=30000/1001:d=1,format=yuv420p", nil, 160, 90, "30000/1001"},
		{"slow", "testsrc2=s=160x90:r=7:d=2,format=yuv420p", nil, 160, 90, "7"},
		{"full range", "testsrc2=s=160x90:r=25:d=1,format=yuvj420p", nil, 160, 90, "25"},
	} {
		t.Run(test.name, func(t *testing.T) {
			in := filepath.Join(t.TempDir(), "in.mkv")
			ffmpeg(t, append([]string{"-f", "lavfi", "-i", test.filter, "-c:v", "ffv1"}, append(test.args, in)...)...)
			out, truth := spoil(t, in, "out.mkv", func(j *Job) { j.Encoder = "ffv1" }, "black@3f-5f", "solid_color:y=77@5f-end")
			got := pictures(t, out)
			if truth.Width != test.width || truth.Height != test.height || truth.FrameRate != test.rate || int64(len(got)) != truth.Frames {
				t.Fatalf("truth %dx%d at %s with %d pictures, %d in the file", truth.Width, truth.Height, truth.FrameRate, truth.Frames, len(got))
			}
			for i, p := range got[3:] {
				want := byte(16)
				if i >= 2 {
					want = 77
				}
				if v := p.luma().data[40]; v != want {
					t.Errorf("picture %d has luma %d, want %d", i+3, v, want)
				}
			}
		})
	}
}

func TestRotatedClipsAreTurned(t *testing.T) {
	dir := t.TempDir()
	flat, turned := filepath.Join(dir, "flat.mp4"), filepath.Join(dir, "turned.mp4")
	ffmpeg(t, "-f", "lavfi", "-i", "testsrc2=s=160x90:r=25:d=1,format=yuv420p", "-c:v", "mpeg4", "-q:v", "2", flat)
	ffmpeg(t, "-display_rotation", "90", "-i", flat, "-c", "copy", turned)
	out, truth := spoil(t, turned, "out.mkv", func(j *Job) { j.Encoder = "ffv1" }, "black@0.2-0.4")
	if p := pictures(t, out)[0]; p.Width != 90 || p.Height != 160 || truth.Width != 90 || truth.Height != 160 {
		t.Errorf("%dx%d, truth %dx%d", p.Width, p.Height, truth.Width, truth.Height)
	}
}

// TestALateTrackKeepsItsPlace: pictures that begin half a second after the sound
// are filled up from the clip's beginning, so that times mean the clip's own.
func TestALateTrackKeepsItsPlace(t *testing.T) {
	late := filepath.Join(t.TempDir(), "late.mkv")
	ffmpeg(t, "-i", clip(t), "-itsoffset", "0.48", "-i", clip(t), "-map", "0:a", "-map", "1:v", "-c", "copy", late)
	out, truth := spoil(t, late, "out.mkv", lossless, "black@2-2.2", "silence@2-2.2")
	before, after := pictures(t, clip(t)), pictures(t, out)
	if truth.Frames != clipFrames+12 || len(after) != clipFrames+12 {
		t.Fatalf("%d pictures, %d in the truth", len(after), truth.Frames)
	}
	for i, p := range after {
		if i >= 50 && i < 55 {
			continue
		}
		if !p.equal(before[max(i-12, 0)]) {
			t.Errorf("picture %d is not picture %d of the clip", i, max(i-12, 0))
		}
	}
	if v := samples(t, out)[2*2*clipHz+1000]; v != 0 || *truth.Defects[1].StartSample != 2*clipHz {
		t.Errorf("sample %v", v)
	}
}

// TestWebM needs an ffmpeg that can write VP9; without one the error must say so.
func TestWebM(t *testing.T) {
	program, err := tools(t).withEncoders(t.Context(), "libvpx-vp9", "libopus")
	if err != nil {
		t.Fatal(err)
	}
	if program == "" {
		job := Job{In: clip(t), Out: filepath.Join(t.TempDir(), "out.webm"), Quality: -1, Specs: specs(t, "black@1-2")}
		if _, err := Run(t.Context(), tools(t), job); err == nil || !strings.Contains(err.Error(), "libvpx-vp9") {
			t.Errorf("error %v", err)
		}
		return
	}
	out, truth := spoil(t, clip(t), "out.webm", nil, "black@1-2", "bit_errors:per_second=20@2-3")
	for i, p := range pictures(t, out)[26:49] {
		if level := p.luma().row(90)[160]; level > 18 {
			t.Errorf("picture %d has luma %d", i+26, level)
		}
	}
	if truth.Defects[0].Kind != "black" || len(truth.Defects) < 2 {
		t.Errorf("%+v", truth.Defects)
	}
}

func TestWhatLeavesNoMarkIsWarnedOf(t *testing.T) {
	still := filepath.Join(t.TempDir(), "still.mkv")
	ffmpeg(t, "-f", "lavfi", "-i", "color=gray:s=64x48:r=25:d=1", "-f", "lavfi", "-i", "anullsrc=r=48000:cl=stereo", "-t", "1", "-c:v", "ffv1", "-c:a", "pcm_s16le", still)
	job := Job{In: still, Out: filepath.Join(t.TempDir(), "out.mkv"), Quality: -1, Specs: specs(t, "freeze@0.2-0.6", "silence@0.2-0.6", "clipping@0.2-0.6", "black@0.8-end")}
	result, err := Run(t.Context(), tools(t), job)
	if err != nil {
		t.Fatal(err)
	}
	if len(result.Warnings) != 3 || !strings.Contains(result.Warnings[2], "raise gain") {
		t.Errorf("warnings %q", result.Warnings)
	}
	for _, e := range result.Truth.Defects {
		if e.Invisible != (e.Kind != "black") {
			t.Errorf("%s: invisible is %v", e.Kind, e.Invisible)
		}
	}
}
