package livetest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/streamvet/streamvet/engine"
	"github.com/streamvet/streamvet/engine/media"
)

// moody is a camera with a bad day: each who calls gets one of the things that
// cameras do.
type moody struct {
	address string
	calls   atomic.Int64
}

func newMoody(t *testing.T, clip []byte) *moody {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m := &moody{address: l.Addr().String()}
	moods := []func(net.Conn){
		func(c net.Conn) { c.Write(clip) },
		func(c net.Conn) { c.Write(clip[:len(clip)/2]) },                         // breaks off
		func(c net.Conn) {},                                                      // hangs up
		func(c net.Conn) { c.Write(make([]byte, 10000)) },                        // not media
		func(c net.Conn) { c.(*net.TCPConn).SetLinger(0); c.Write(clip[:9999]) }, // resets
		func(c net.Conn) { c.Write(clip); io.Copy(io.Discard, c) },               // falls silent
	}
	var calls sync.WaitGroup
	calls.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mood := moods[m.calls.Add(1)%int64(len(moods))]
			calls.Go(func() {
				mood(c)
				c.Close()
			})
		}
	})
	t.Cleanup(func() { l.Close(); calls.Wait() })
	return m
}

// A day of a camera that is lost every 30 s: 2880 connections, each with a short
// clip, and nothing is left of them. Without -load it is two hours.
func TestDayOfReconnects(t *testing.T) {
	need(t, "ffmpeg")
	connections := int64(240)
	if *load {
		connections = 2880
	}
	path := filepath.Join(clips, "second.ts")
	if _, err := remux(clip(t, onceOnly), path, "-t", "1"); err != nil {
		t.Fatal(err)
	}
	second, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	e := openEngine(t, "black", "silence", "stall", "decode_error", "freeze")
	m := newMoody(t, second)
	day := func(until int64) {
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		tell := func(turn engine.Turn) {
			if turn.Phase == engine.Reconnecting && m.calls.Load() >= until {
				stop()
			}
		}
		c := engine.SourceConfig{URL: "tcp://" + m.address, Sink: newWitness(), Realtime: true, StallTimeout: 250 * time.Millisecond}
		if err := e.Supervise(ctx, c, engine.Reconnect{Initial: time.Millisecond, Max: time.Millisecond}, tell); err != nil {
			t.Error(err)
		}
	}
	day(connections / 4)
	before := read(t)
	day(connections)
	read(t).flat(t, before, int(connections*3/4))
}

// Sources that are added and removed while their peers send: of each transport, and
// nothing is left of them.
func TestAddAndRemove(t *testing.T) {
	need(t, "ffmpeg", rtspServer, nginxProgram)
	rounds := 8
	if *load {
		rounds = 100
	}
	film := clip(t, loop)
	rtspPort, httpPort, rtmpPort, udpPort, rtpPort := freePort(t), freePort(t), freePort(t), freePort(t), freePort(t)
	dir, _ := nginx(t, httpPort, rtmpPort)
	awaitListener(t, rtmpPort)
	run(t, python, "testdata/rtsp.py", strconv.Itoa(rtspPort), film)
	awaitListener(t, rtspPort)
	sender(t, film, "-f", "flv", fmt.Sprintf("rtmp://127.0.0.1:%d/live/one", rtmpPort))
	sender(t, film, "-f", "hls", "-hls_time", "1", "-hls_list_size", "4", "-hls_flags", "delete_segments", filepath.Join(dir, "live.m3u8"))
	sender(t, film, "-f", "mpegts", fmt.Sprintf("udp://127.0.0.1:%d?pkt_size=1316", udpPort))
	sender(t, film, "-f", "rtp_mpegts", fmt.Sprintf("rtp://127.0.0.1:%d", rtpPort))

	e := openEngine(t, "black", "silence", "stall", "decode_error")
	sources := []engine.SourceConfig{
		{URL: fmt.Sprintf("rtsp://127.0.0.1:%d/live", rtspPort), Transport: media.Transport{RTSP: "tcp"}},
		{URL: fmt.Sprintf("rtsp://127.0.0.1:%d/live", rtspPort), Transport: media.Transport{RTSP: "udp"}},
		{URL: fmt.Sprintf("rtmp://127.0.0.1:%d/live/one", rtmpPort)},
		{URL: fmt.Sprintf("http://127.0.0.1:%d/live.m3u8", httpPort)},
		{URL: fmt.Sprintf("udp://127.0.0.1:%d", udpPort)},
		{URL: fmt.Sprintf("rtp://127.0.0.1:%d", rtpPort)},
		{URL: fmt.Sprintf("srt://127.0.0.1:%d", freePort(t))}, // where nobody is
	}
	all := func(times int) {
		var each sync.WaitGroup
		for _, c := range sources {
			each.Go(func() {
				for n := range times {
					c.Realtime, c.StallTimeout = true, 5*time.Second
					addAndRemove(t, e, c, n%2 == 0)
				}
			})
		}
		each.Wait()
	}
	all(rounds / 2)
	before := read(t)
	all(rounds)
	read(t).flat(t, before, rounds*len(sources))
}

// addAndRemove supervises a source until it has scores, or until it is about to
// connect.
func addAndRemove(t *testing.T, e *engine.Engine, c engine.SourceConfig, wait bool) {
	w := newWitness()
	c.Sink = w
	ctx, stop := context.WithTimeout(t.Context(), patience)
	defer stop()
	over := make(chan error, 1)
	go func() { over <- e.Supervise(ctx, c, soon, w.tell) }()
	for {
		w.mu.Lock()
		enough := w.phase() == engine.Reconnecting || !wait && w.phase() == engine.Connecting || w.scores[w.epoch()] > 0
		news := w.news
		w.mu.Unlock()
		if enough {
			break
		}
		select {
		case <-news:
		case <-ctx.Done():
			t.Errorf("%s: nothing came", c.URL)
			return
		}
	}
	stop()
	if err := <-over; err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("%s: %v", c.URL, err)
	}
}
