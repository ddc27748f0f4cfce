package livetest

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

var load = flag.Bool("load", false, "run the tests that keep the machine busy for minutes")

// clips is where the material of the tests lies.
var clips string

func TestMain(m *testing.M) { os.Exit(runAll(m)) }

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
	case "nginx":
		if _, err := os.Stat(rtmpModule); err != nil {
			return false
		}
	}
	_, err := exec.LookPath(program)
	return err == nil
}

// python is the system's, which has the bindings that Debian packages.
const python = "/usr/bin/python3"

const rtmpModule = "/usr/lib/nginx/modules/ngx_rtmp_module.so"

// loop is two minutes of H.264 and AAC: 6 s, of which 2 to 4 s are black and silent,
// again and again. clean has nothing wrong with it for ten minutes.
var loop, clean = sync.OnceValues(makeLoop), sync.OnceValues(makeClean)

func makeLoop() (string, error) {
	once, err := encode("once.mp4",
		"-vf", "drawbox=color=black:t=fill:enable='gte(t,2)*lt(t,4)'",
		"-af", "volume=0:enable='gte(t,2)*lt(t,4)'")
	if err != nil {
		return "", err
	}
	return ffmpeg("loop.mp4", "-stream_loop", "20", "-i", once, "-c", "copy")
}

func makeClean() (string, error) {
	once, err := encode("clean.mp4")
	if err != nil {
		return "", err
	}
	return ffmpeg("clean.ts", "-stream_loop", "100", "-i", once, "-c", "copy")
}

func encode(name string, filters ...string) (string, error) {
	return ffmpeg(name, append(append([]string{
		"-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25:duration=6",
		"-f", "lavfi", "-i", "anoisesrc=color=pink:amplitude=0.3:sample_rate=48000:duration=6",
	}, filters...),
		"-c:v", "libx264", "-preset", "veryfast", "-tune", "zerolatency", "-g", "12", "-pix_fmt", "yuv420p",
		"-c:a", "aac", "-ac", "2", "-b:a", "96k")...)
}

// ffmpeg makes a clip with the system's FFmpeg and gives its path.
func ffmpeg(name string, args ...string) (string, error) {
	path := filepath.Join(clips, name)
	out, err := exec.Command("ffmpeg", append(append([]string{"-v", "error", "-y"}, args...), path)...).CombinedOutput()
	if err != nil {
		os.Stderr.Write(out)
	}
	return path, err
}

func clip(t *testing.T, make func() (string, error)) string {
	t.Helper()
	path, err := make()
	if err != nil {
		t.Fatalf("make a clip: %v", err)
	}
	return path
}
