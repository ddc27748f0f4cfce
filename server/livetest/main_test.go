package livetest

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"

	"go.uber.org/goleak"
)

var load = flag.Bool("load", false, "run the tests that keep the machine busy for minutes")

// clips is where the material of the tests lies.
var clips string

func TestMain(m *testing.M) {
	giveBack()
	os.Exit(runAll(m))
}

// giveBack starts this program again with a C allocator that gives back at once
// what is freed: what it keeps by default, tens of megabytes, would hide a leak. It
// costs time, so that under load it stays as it is.
func giveBack() {
	if os.Getenv("MALLOC_TRIM_THRESHOLD_") != "" || slices.Contains(os.Args, "-load") {
		return
	}
	env := append(os.Environ(), "MALLOC_ARENA_MAX=1", "MALLOC_MMAP_THRESHOLD_=65536", "MALLOC_TRIM_THRESHOLD_=65536")
	err := syscall.Exec("/proc/self/exe", os.Args, env)
	panic(err)
}

func runAll(m *testing.M) int {
	flag.Parse()
	flag.Set("test.parallel", "12") // they wait for peers more than they work
	dir, err := os.MkdirTemp("", "livetest")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	clips = dir
	rc := m.Run()
	if err := goleak.Find(); rc == 0 && err != nil {
		os.Stderr.WriteString(err.Error() + "\n")
		return 1
	}
	return rc
}

// need is for programs that scripts/peers.sh installs. Without them a test fails in
// CI, and is left out elsewhere.
func need(t *testing.T, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if works(p) {
			continue
		}
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s is not installed: run scripts/peers.sh", p)
		}
		t.Skipf("left out, since %s is not installed: scripts/peers.sh does that", p)
	}
}

// rtspServer stands for the libraries behind testdata/rtsp.py.
const rtspServer = "GStreamer's RTSP server"

func works(program string) bool {
	switch program {
	case rtspServer:
		return exec.Command(python, "testdata/rtsp.py", "--check").Run() == nil
	case nginxProgram:
		if _, err := os.Stat(rtmpModule); err != nil {
			return false
		}
	}
	_, err := exec.LookPath(program)
	return err == nil
}

// python is the system's, which has the bindings that Debian packages.
const python = "/usr/bin/python3"

// nginx is where Debian puts it, which not everybody's PATH has.
const nginxProgram = "/usr/sbin/nginx"

const rtmpModule = "/usr/lib/nginx/modules/ngx_rtmp_module.so"

// onceOnly is 6 s of H.264 and AAC, black and silent from 2 to 4 s. loop is that for
// two minutes, and clean has nothing wrong with it for ten.
var (
	onceOnly = sync.OnceValues(func() (string, error) {
		return encode("once.mp4",
			"-vf", "drawbox=color=black:t=fill:enable='gte(t,2)*lt(t,4)'",
			"-af", "volume=0:enable='gte(t,2)*lt(t,4)'")
	})
	loop = sync.OnceValues(func() (string, error) {
		once, err := onceOnly()
		if err != nil {
			return "", err
		}
		return remux(once, filepath.Join(clips, "loop.mp4"), "-stream_loop", "20")
	})
	clean = sync.OnceValues(func() (string, error) {
		once, err := encode("clean.mp4")
		if err != nil {
			return "", err
		}
		return remux(once, filepath.Join(clips, "clean.ts"), "-stream_loop", "100")
	})
)

// encode makes 6 s of test picture and noise, with these filters.
func encode(name string, filters ...string) (string, error) {
	path := filepath.Join(clips, name)
	args := append([]string{
		"-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25:duration=6",
		"-f", "lavfi", "-i", "anoisesrc=color=pink:amplitude=0.3:sample_rate=48000:duration=6",
	}, filters...)
	return path, ffmpeg(append(args,
		"-c:v", "libx264", "-preset", "veryfast", "-tune", "zerolatency", "-g", "12", "-pix_fmt", "yuv420p",
		"-c:a", "aac", "-ac", "2", "-b:a", "96k", path)...)
}

// remux copies a clip into another container.
func remux(clip, path string, options ...string) (string, error) {
	return path, ffmpeg(append(options, "-i", clip, "-c", "copy", path)...)
}

// ffmpeg runs the system's FFmpeg.
func ffmpeg(args ...string) error {
	out, err := exec.Command("ffmpeg", append([]string{"-v", "error", "-y"}, args...)...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

func clip(t *testing.T, make func() (string, error)) string {
	t.Helper()
	path, err := make()
	if err != nil {
		t.Fatalf("make a clip: %v", err)
	}
	return path
}
