package media

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/streamvet/streamvet/engine/frame"
)

// clips is where the tests' own media lie; made by the private ffmpeg.
var clips string

func TestMain(m *testing.M) {
	if os.Getenv("STREAMVET_FFMPEG") == "" {
		fmt.Fprintln(os.Stderr, `media: STREAMVET_FFMPEG is not set: run  eval "$(scripts/env.sh)"  first`)
		os.Exit(1)
	}
	rc := runTests(m)
	if clips != "" {
		os.RemoveAll(clips)
	}
	if err := goleak.Find(); rc == 0 && err != nil {
		fmt.Fprintln(os.Stderr, err)
		rc = 1
	}
	os.Exit(rc)
}

// Sources of the private ffmpeg: 2 s of picture and sound.
const (
	picture2s = "-f lavfi -i testsrc2=size=160x90:rate=25:duration=2"
	sound2s   = "-f lavfi -i sine=frequency=440:sample_rate=48000:duration=2"
)

var makeMu sync.Mutex

// clip makes a file with the private ffmpeg, once a run, and gives its path.
func clip(t testing.TB, name, args string) string {
	t.Helper()
	makeMu.Lock()
	defer makeMu.Unlock()
	if clips == "" {
		dir, err := os.MkdirTemp("", "streamvet-media-")
		if err != nil {
			t.Fatal(err)
		}
		clips = dir
	}
	path := filepath.Join(clips, name)
	if _, err := os.Stat(path); err == nil {
		return path
	}
	words := append([]string{"-v", "error", "-y"}, strings.Fields(args)...)
	cmd := exec.Command(os.Getenv("STREAMVET_FFMPEG"), append(words, path)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("make %s: %v\n%s", name, err, out)
	}
	return path
}

// damagedClip is a copy of a file, changed.
func damagedClip(t testing.TB, path string, change func([]byte) []byte) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "damaged-"+filepath.Base(path))
	if err := os.WriteFile(out, change(b), 0o600); err != nil {
		t.Fatal(err)
	}
	return out
}

func open(t testing.TB, url string, o Options) *Source {
	t.Helper()
	s, err := Open(context.Background(), url, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// shown is what a test needs to know of a frame once it was released.
type shown struct {
	pts, duration time.Duration
	index         int64
	evidence      frame.Evidence
	width, height int // of pictures
	format        frame.Format
	colour        frame.Colour
	mem           frame.MemKind
	key           bool
	interlaced    bool
	samples       int // of sound
	loudness      frame.Loudness
}

// played is all of a track.
type played struct {
	frames []shown
	tail   frame.Evidence
	err    error // io.EOF at a regular end
}

func (p played) end() time.Duration {
	if len(p.frames) == 0 {
		return 0
	}
	last := p.frames[len(p.frames)-1]
	return last.pts + last.duration
}

// sum is all evidence of a track, the tail's too.
func (p played) sum() (e frame.Evidence) {
	add := func(f frame.Evidence) {
		e.CorruptPackets += f.CorruptPackets
		e.RefusedPackets += f.RefusedPackets
		e.DecodeErrors |= f.DecodeErrors
		e.Gap += f.Gap
		e.Jump += f.Jump
		e.FormatChanged = e.FormatChanged || f.FormatChanged
	}
	for _, f := range p.frames {
		add(f.evidence)
	}
	add(p.tail)
	return e
}

func shownOf(f *frame.Video) shown {
	return shown{
		pts: f.PTS, duration: f.Duration, index: f.Index, evidence: f.Evidence,
		width: f.Width, height: f.Height, format: f.Format, colour: f.Colour, mem: f.Mem,
		key: f.Keyframe, interlaced: f.Interlaced,
	}
}

func playVideo(t *VideoTrack) (p played) {
	for {
		f, err := t.Next(context.Background())
		if err != nil {
			p.err, p.tail = err, t.Tail()
			return p
		}
		p.frames = append(p.frames, shownOf(f))
		f.Release()
	}
}

func playAudio(t *AudioTrack) (p played) {
	for {
		f, err := t.Next(context.Background())
		if err != nil {
			p.err, p.tail = err, t.Tail()
			return p
		}
		p.frames = append(p.frames, shown{
			pts: f.PTS, duration: f.Duration, index: f.Index, evidence: f.Evidence,
			samples: len(f.Samples[0]), loudness: f.Loudness,
		})
		f.Release()
	}
}

// play reads every track of a source, each in a goroutine of its own.
func play(s *Source) (video, audio []played) {
	video, audio = make([]played, len(s.Video())), make([]played, len(s.Audio()))
	var wg sync.WaitGroup
	for i, t := range s.Video() {
		wg.Go(func() { video[i] = playVideo(t) })
	}
	for i, t := range s.Audio() {
		wg.Go(func() { audio[i] = playAudio(t) })
	}
	wg.Wait()
	return video, audio
}

// playFile opens, plays and closes; opening must succeed.
func playFile(t testing.TB, path string, o Options) (video, audio []played) {
	t.Helper()
	s := open(t, path, o)
	video, audio = play(s)
	for _, p := range append(video, audio...) {
		checkOrder(t, p)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	return video, audio
}

// checkOrder holds what is promised of every track, however damaged.
func checkOrder(t testing.TB, p played) {
	t.Helper()
	if !errors.Is(p.err, io.EOF) {
		t.Errorf("ended with %v, want io.EOF", p.err)
	}
	samples := int64(0)
	for i, f := range p.frames {
		if i > 0 && f.pts <= p.frames[i-1].pts {
			t.Fatalf("frame %d: PTS %v after %v", i, f.pts, p.frames[i-1].pts)
		}
		if f.pts < 0 || f.duration <= 0 {
			t.Fatalf("frame %d: PTS %v, duration %v", i, f.pts, f.duration)
		}
		want := int64(i)
		if f.samples > 0 {
			want = samples
			samples += int64(f.samples)
		}
		if f.index != want {
			t.Fatalf("frame %d: Index %d, want %d", i, f.index, want)
		}
	}
}

// checkClean wants no evidence at all.
func checkClean(t testing.TB, p played) {
	t.Helper()
	for i, f := range p.frames {
		if f.evidence != (frame.Evidence{}) {
			t.Errorf("frame %d at %v: %+v in a clean file", i, f.pts, f.evidence)
		}
	}
	if p.tail != (frame.Evidence{}) {
		t.Errorf("tail: %+v in a clean file", p.tail)
	}
}

func near40ms(a, b time.Duration) bool { return (a - b).Abs() <= 40*time.Millisecond }
