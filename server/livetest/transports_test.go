package livetest

import (
	"fmt"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/streamvet/streamvet/engine"
	"github.com/streamvet/streamvet/engine/media"
	"github.com/streamvet/streamvet/engine/verdict"
)

// transport is a way for live pictures to come, with the peer that sends them.
type transport struct {
	name   string
	needs  []string
	bursts bool // by its nature, so that a short silence is none
	source func(port int) engine.SourceConfig
	// peers starts what sends to, or is called at, the port. The last one is who
	// plays the clip.
	peers func(t *testing.T, port int, clip string) []*peer
}

func at(format string) func(port int) engine.SourceConfig {
	return func(port int) engine.SourceConfig { return engine.SourceConfig{URL: fmt.Sprintf(format, port)} }
}

// sends is FFmpeg alone, writing to an address.
func sends(format string, muxer ...string) func(*testing.T, int, string) []*peer {
	return func(t *testing.T, port int, clip string) []*peer {
		return []*peer{sender(t, clip, append(muxer, fmt.Sprintf(format, port))...)}
	}
}

func rtsp(over string) transport {
	return transport{
		name: "RTSP over " + over, needs: []string{rtspServer},
		source: func(port int) engine.SourceConfig {
			return engine.SourceConfig{URL: fmt.Sprintf("rtsp://127.0.0.1:%d/live", port), Transport: media.Transport{RTSP: over}}
		},
		peers: func(t *testing.T, port int, clip string) []*peer {
			return []*peer{run(t, python, "testdata/rtsp.py", strconv.Itoa(port), clip)}
		},
	}
}

var transports = []transport{
	rtsp("tcp"),
	rtsp("udp"),
	{
		name: "SRT caller", source: at("srt://127.0.0.1:%d"),
		peers: sends("srt://127.0.0.1:%d?mode=listener", "-f", "mpegts"),
	},
	{
		name: "SRT listener", needs: []string{"srt-live-transmit"},
		source: func(port int) engine.SourceConfig {
			return engine.SourceConfig{
				URL:       fmt.Sprintf("srt://127.0.0.1:%d", port),
				Transport: media.Transport{SRT: media.SRT{Mode: "listener"}},
			}
		},
		peers: func(t *testing.T, port int, clip string) []*peer {
			between := freePort(t)
			return []*peer{
				run(t, "srt-live-transmit", "-a:yes", fmt.Sprintf("udp://127.0.0.1:%d", between), fmt.Sprintf("srt://127.0.0.1:%d?mode=caller", port)),
				sender(t, clip, "-f", "mpegts", fmt.Sprintf("udp://127.0.0.1:%d?pkt_size=1316", between)),
			}
		},
	},
	{
		name: "MPEG-TS over UDP", source: at("udp://127.0.0.1:%d"),
		peers: sends("udp://127.0.0.1:%d?pkt_size=1316", "-f", "mpegts"),
	},
	{
		name: "MPEG-TS over multicast",
		source: func(port int) engine.SourceConfig {
			return engine.SourceConfig{
				URL:       fmt.Sprintf("udp://239.255.71.71:%d", port),
				Transport: media.Transport{UDP: media.UDP{Interface: "127.0.0.1"}},
			}
		},
		peers: sends("udp://239.255.71.71:%d?pkt_size=1316&localaddr=127.0.0.1&ttl=0", "-f", "mpegts"),
	},
	{
		name: "MPEG-TS over RTP", source: at("rtp://127.0.0.1:%d"),
		peers: sends("rtp://127.0.0.1:%d", "-f", "rtp_mpegts"),
	},
	{
		name: "RTMP from nginx", needs: []string{nginxProgram}, source: at("rtmp://127.0.0.1:%d/live/one"),
		peers: func(t *testing.T, port int, clip string) []*peer {
			_, server := nginx(t, freePort(t), port)
			awaitListener(t, port)
			return []*peer{server, sender(t, clip, "-f", "flv", fmt.Sprintf("rtmp://127.0.0.1:%d/live/one", port))}
		},
	},
	{
		name: "RTMP from FFmpeg", source: at("rtmp://127.0.0.1:%d/live/one"),
		peers: sends("rtmp://127.0.0.1:%d/live/one", "-f", "flv", "-listen", "1"),
	},
	{
		name: "HLS", needs: []string{nginxProgram}, bursts: true, source: at("http://127.0.0.1:%d/live.m3u8"),
		peers: func(t *testing.T, port int, clip string) []*peer {
			dir, server := nginx(t, port, freePort(t))
			return []*peer{server, sender(t, clip, "-f", "hls", "-hls_time", "1", "-hls_list_size", "4", "-hls_flags", "delete_segments", filepath.Join(dir, "live.m3u8"))}
		},
	},
	{
		name: "HTTP", source: at("http://127.0.0.1:%d/live.ts"),
		peers: sends("http://127.0.0.1:%d/live.ts", "-f", "mpegts", "-listen", "1"),
	},
}

// Each transport brings what is wrong with its pictures and its sound; it is told
// when the peer falls silent, and when it dies, and takes it up again when it is
// back. A file that plays beside them notices nothing.
func TestTransports(t *testing.T) {
	need(t, "ffmpeg")
	e := openEngine(t, "black", "silence", "stall", "decode_error")
	beside, stop := watch(t, e, engine.SourceConfig{URL: clip(t, clean), Name: "beside", Realtime: true, Paced: true})
	clip(t, loop)
	t.Run("all", func(t *testing.T) {
		for _, tr := range transports {
			t.Run(tr.name, func(t *testing.T) {
				t.Parallel()
				need(t, tr.needs...)
				tr.live(t, e, beside)
			})
		}
	})
	if err := stop(); err != nil {
		t.Error(err)
	}
	if len(beside.verdicts) > 0 || len(beside.turns) != 2 {
		t.Errorf("the file beside them:\n%s", beside)
	}
}

func (tr transport) live(t *testing.T, e *engine.Engine, beside *witness) {
	port := freePort(t)
	c := tr.source(port)
	c.Realtime, c.StallTimeout = true, 6*time.Second
	peers := tr.peers(t, port, clip(t, loop))
	w, stop := watch(t, e, c)
	w.await(t, "black", func() bool { return w.has(verdict.Black, raised) })
	w.await(t, "silence", func() bool { return w.has(verdict.Silence, raised) })
	w.await(t, "both over", func() bool { return w.has(verdict.Black, cleared) && w.has(verdict.Silence, cleared) })

	plays := peers[len(peers)-1]
	stalls, first := w.stalls(raised), w.last()
	plays.pause()
	w.await(t, "a stall", func() bool { return w.count(verdict.Stall, raised) > stalls })
	plays.goOn()
	w.await(t, "its end", func() bool { return w.count(verdict.Stall, cleared) > stalls })
	if now := w.last(); now != first && !tr.bursts {
		t.Errorf("a short silence made epoch %d of %d", now, first)
	}

	for _, p := range peers {
		p.kill()
	}
	lost := w.last()
	w.await(t, "the loss", func() bool { return w.epoch() >= lost && w.phase() == engine.Reconnecting })
	goneOn := beside.seen(1) + 25
	beside.await(t, "the file beside it to go on", func() bool { return beside.scores[1] > goneOn })
	tr.peers(t, port, clip(t, loop))
	w.await(t, "a new epoch with pictures", func() bool { return w.epoch() > lost && w.scores[w.epoch()] > 50 })
	if err := stop(); err != nil {
		t.Error(err)
	}
	if open := w.open(); len(open) > 0 {
		t.Errorf("never cleared: %v\n%s", open, w)
	}
}
