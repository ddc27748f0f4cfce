package media

import (
	"fmt"
	"maps"
	neturl "net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Transport is what an address cannot say of its protocol. Parts that belong to
// another protocol than the address has are left alone.
type Transport struct {
	// RTSP is how RTSP carries its packets: "tcp" or "udp"; empty: what the server
	// takes first.
	RTSP string
	SRT  SRT
	UDP  UDP
	// Headers go with every HTTP request to the host of the address, and to no other:
	// a redirect to another host is refused, and what a playlist names there is asked
	// for without them.
	Headers map[string]string
}

// SRT are the options of an SRT connection; zero values leave what the address says.
type SRT struct {
	Mode       string // "caller" or "listener"
	Latency    time.Duration
	StreamID   string
	Passphrase string
}

// UDP are the options of MPEG-TS and RTP over UDP.
type UDP struct {
	Interface string   // address of the interface that joins a multicast group
	Senders   []string // addresses that are taken; empty: all
	Buffer    int      // bytes of the socket; 0: 4 MiB
}

// udpBuffer is enough for a burst of 30 ms at 1 Gbit/s.
const udpBuffer = 4 << 20

// apply adds the options of the protocol to where a source is found.
func (t Transport) apply(l *location) {
	scheme, _, _ := strings.Cut(l.url, "://")
	set := func(name, value string) {
		if value != "" {
			l.options[name] = value
		}
	}
	switch strings.ToLower(scheme) {
	case "rtsp", "rtsps":
		set("rtsp_transport", t.RTSP)
	case "srt":
		t.SRT.apply(l, set)
	case "udp", "rtp":
		set("localaddr", t.UDP.Interface)
		set("sources", strings.Join(t.UDP.Senders, ","))
		buffer := t.UDP.Buffer
		if buffer <= 0 {
			buffer = udpBuffer
		}
		set("buffer_size", strconv.Itoa(buffer))
		set("overrun_nonfatal", "1") // what is lost is a gap, not the end
	case "http", "https":
		if len(t.Headers) == 0 {
			return
		}
		var lines strings.Builder
		for _, name := range slices.Sorted(maps.Keys(t.Headers)) {
			fmt.Fprintf(&lines, "%s: %s\r\n", name, t.Headers[name])
		}
		set("headers", lines.String())
		// A connection that is kept would be used with the headers, whoever it is with.
		set("http_persistent", "0")
		set("http_multiple", "0")
	}
}

// apply sets what is set here, and takes it out of the address, whose word is
// FFmpeg's last.
func (s SRT) apply(l *location, set func(name, value string)) {
	take := func(value string, names ...string) {
		if value == "" {
			return
		}
		set(names[0], value)
		l.url = withoutValues(l.url, names)
	}
	take(s.Mode, "mode")
	take(s.StreamID, "srt_streamid", "streamid")
	take(s.Passphrase, "passphrase")
	if s.Latency > 0 {
		take(strconv.FormatInt(s.Latency.Microseconds(), 10), "latency", "rcvlatency", "peerlatency", "tsbpddelay")
	}
}

// withoutValues is url without the values of those names in its query.
func withoutValues(url string, names []string) string {
	base, query, ok := strings.Cut(url, "?")
	if !ok {
		return url
	}
	pairs := slices.DeleteFunc(strings.Split(query, "&"), func(pair string) bool {
		name, _, _ := strings.Cut(pair, "=")
		return slices.Contains(names, name)
	})
	if len(pairs) == 0 {
		return base
	}
	return base + "?" + strings.Join(pairs, "&")
}

// hostOf is the host of an address, as FFmpeg asks for it.
func hostOf(url string) string {
	u, err := neturl.Parse(url)
	if err != nil {
		return ""
	}
	return u.Hostname()
}
