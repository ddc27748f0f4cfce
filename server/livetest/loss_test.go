package livetest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/streamvet/streamvet/engine"
	"github.com/streamvet/streamvet/engine/media"
	"github.com/streamvet/streamvet/engine/verdict"
)

// relay is a bad network between two ends that speak UDP: it loses a share of the
// datagrams of both, and delays all.
type relay struct {
	in, out    *net.UDPConn // where the one end calls, and what calls the other
	loss       float64
	delay      time.Duration
	passed     atomic.Int64
	lost       atomic.Int64
	caller     atomic.Pointer[net.UDPAddr]
	work, late sync.WaitGroup
}

// badNetwork passes on to the port `to` what comes at its own, which it gives.
func badNetwork(t *testing.T, to int, loss float64, delay time.Duration) (*relay, int) {
	t.Helper()
	in, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	out, err := net.DialUDP("udp", nil, &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: to})
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{in: in, out: out, loss: loss, delay: delay}
	r.work.Go(func() {
		r.pass(in, rand.New(rand.NewPCG(1, 1)), func(b []byte, from *net.UDPAddr) {
			r.caller.Store(from)
			out.Write(b)
		})
	})
	r.work.Go(func() {
		r.pass(out, rand.New(rand.NewPCG(2, 2)), func(b []byte, _ *net.UDPAddr) {
			if to := r.caller.Load(); to != nil {
				in.WriteToUDP(b, to)
			}
		})
	})
	t.Cleanup(func() {
		in.Close()
		out.Close()
		r.work.Wait()
		r.late.Wait()
	})
	return r, in.LocalAddr().(*net.UDPAddr).Port
}

// pass sends on what comes, until the socket is closed. One datagram waits for
// nobody but those before it.
func (r *relay) pass(from *net.UDPConn, chance *rand.Rand, send func([]byte, *net.UDPAddr)) {
	type datagram struct {
		b    []byte
		from *net.UDPAddr
		due  time.Time
	}
	line := make(chan datagram, 4096)
	r.late.Go(func() {
		for d := range line {
			time.Sleep(time.Until(d.due))
			send(d.b, d.from)
		}
	})
	defer close(line)
	for {
		b := make([]byte, 1500)
		n, addr, err := from.ReadFromUDP(b)
		if err != nil && n == 0 {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			continue // nobody listens at the other end yet
		}
		if chance.Float64() < r.loss {
			r.lost.Add(1)
			continue
		}
		r.passed.Add(1)
		select {
		case line <- datagram{b[:n], addr, time.Now().Add(r.delay)}:
		default:
			r.lost.Add(1)
		}
	}
}

const damageSeen = 3 // verdicts, so that it is no accident of the start

// What is lost on the way is damage, and does not end a source.
func TestLossIsDamage(t *testing.T) {
	t.Parallel()
	need(t, "ffmpeg")
	e := openEngine(t, "black", "silence", "stall", "decode_error", "timestamp_jump")
	calm := clip(t, clean)
	for _, tr := range []transport{
		{
			name: "MPEG-TS over UDP", source: at("udp://127.0.0.1:%d"),
			peers: func(t *testing.T, port int, _ string) []*peer {
				_, through := badNetwork(t, port, 0.02, 20*time.Millisecond)
				return []*peer{sender(t, calm, "-f", "mpegts", fmt.Sprintf("udp://127.0.0.1:%d?pkt_size=1316", through))}
			},
		},
		{
			name: "MPEG-TS over RTP", source: at("rtp://127.0.0.1:%d"),
			peers: func(t *testing.T, port int, _ string) []*peer {
				_, through := badNetwork(t, port, 0.02, 20*time.Millisecond)
				return []*peer{sender(t, calm, "-f", "rtp_mpegts", fmt.Sprintf("rtp://127.0.0.1:%d?rtcpport=%d", through, freePort(t)))}
			},
		},
		{
			name: "RTSP over udp", needs: []string{rtspServer},
			source: func(port int) engine.SourceConfig {
				return engine.SourceConfig{URL: fmt.Sprintf("rtsp://127.0.0.1:%d/live", port), Transport: media.Transport{RTSP: "udp"}}
			},
			peers: func(t *testing.T, port int, _ string) []*peer {
				return []*peer{run(t, python, "testdata/rtsp.py", strconv.Itoa(port), clip(t, loop), "0.02")}
			},
		},
	} {
		t.Run(tr.name, func(t *testing.T) {
			t.Parallel()
			need(t, tr.needs...)
			port := freePort(t)
			c := tr.source(port)
			c.Realtime = true
			tr.peers(t, port, calm)
			w, stop := watch(t, e, c)
			w.await(t, "pictures", func() bool { return w.scores[w.epoch()] > 10 })
			epoch := w.last()
			w.await(t, "damage", func() bool { return w.count(verdict.DecodeError, raised) >= damageSeen })
			before := w.seen(epoch)
			w.await(t, "pictures after it", func() bool { return w.scores[epoch] > before+50 })
			if err := stop(); err != nil || w.epoch() != epoch {
				t.Errorf("%v\n%s", err, w)
			}
			if open := w.open(); len(open) > 0 {
				t.Errorf("never cleared: %v", open)
			}
		})
	}
}

// SRT asks again for what was lost: nothing of it is seen.
func TestSRTRecovers(t *testing.T) {
	t.Parallel()
	need(t, "ffmpeg")
	e := openEngine(t, "black", "stall", "decode_error", "timestamp_jump")
	port := freePort(t)
	network, through := badNetwork(t, port, 0.02, 20*time.Millisecond)
	w, stop := watch(t, e, engine.SourceConfig{
		URL: fmt.Sprintf("srt://127.0.0.1:%d", through), Realtime: true,
		Transport: media.Transport{SRT: media.SRT{Latency: 3 * time.Second}},
	})
	sender(t, clip(t, clean), "-f", "mpegts", fmt.Sprintf("srt://127.0.0.1:%d?mode=listener&latency=3000000", port))
	w.await(t, "pictures", func() bool { return w.scores[w.epoch()] > 10 })
	epoch, until := w.last(), network.lost.Load()+20
	w.await(t, "20 datagrams lost, and pictures", func() bool { return network.lost.Load() > until && w.scores[epoch] > 200 })
	if err := stop(); err != nil || w.epoch() != epoch {
		t.Errorf("%v\n%s", err, w)
	}
	if w.has(verdict.DecodeError, raised) || w.has(verdict.TimestampJump, raised) {
		t.Errorf("%d lost of %d:\n%s", network.lost.Load(), network.lost.Load()+network.passed.Load(), w)
	}
}
