package registry

import (
	"github.com/streamvet/streamvet/engine"
	"github.com/streamvet/streamvet/engine/media"
	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
	"github.com/streamvet/streamvet/server/reach"
)

// Input is what the engine is told of where a source comes from; the name and the
// sink are the caller's to set.
func Input(c *streamvetv1.SourceConfig, guard *reach.Policy) engine.SourceConfig {
	ca, unverified := guard.Trust()
	to := engine.SourceConfig{
		TLS: media.TLS{CAFile: ca, Unverified: unverified},
		URL: c.GetUrl(), Address: reach.Redact(c.GetUrl()), Guard: guard, Transport: transport(c.GetTransport()),
		StallTimeout: c.GetStallTimeout().AsDuration(), Realtime: media.ComesAtItsPace(c.GetUrl()), DetectLive: true,
	}
	to.Waits, to.Drops = dropPolicy(c)
	if path, err := reach.Path(to.URL); err == nil {
		to.URL = path
	}
	switch c.GetDecoder() {
	case streamvetv1.Decoder_DECODER_NVDEC:
		to.Decoder = media.NVDEC
	case streamvetv1.Decoder_DECODER_SOFTWARE:
		to.Decoder = media.Software
	}
	return to
}

// dropPolicy says what a source does when a network has no time for it.
func dropPolicy(c *streamvetv1.SourceConfig) (waits, drops bool) {
	return c.GetDropPolicy() == streamvetv1.DropPolicy_DROP_POLICY_WAIT, c.GetDropPolicy() == streamvetv1.DropPolicy_DROP_POLICY_DROP
}

func transport(t *streamvetv1.Transport) media.Transport {
	to := media.Transport{
		RTSP: "tcp",
		SRT: media.SRT{
			Latency: t.GetSrt().GetLatency().AsDuration(), StreamID: t.GetSrt().GetStreamId(), Passphrase: t.GetSrt().GetPassphrase(),
		},
		UDP: media.UDP{
			Interface: t.GetUdp().GetInterfaceAddress(), Senders: t.GetUdp().GetSenders(), Buffer: int(t.GetUdp().GetReceiveBufferBytes()),
		},
		Headers: t.GetHttpHeaders(),
	}
	if t.GetRtsp() == streamvetv1.RtspTransport_RTSP_TRANSPORT_UDP {
		to.RTSP = "udp"
	}
	switch t.GetSrt().GetMode() {
	case streamvetv1.SrtMode_SRT_MODE_CALLER:
		to.SRT.Mode = "caller"
	case streamvetv1.SrtMode_SRT_MODE_LISTENER:
		to.SRT.Mode = "listener"
	}
	return to
}

// drops tells whether a source that runs leaves out what networks have no time for.
func drops(c *streamvetv1.SourceConfig, realtime bool) bool {
	switch c.GetDropPolicy() {
	case streamvetv1.DropPolicy_DROP_POLICY_WAIT:
		return false
	case streamvetv1.DropPolicy_DROP_POLICY_DROP:
		return true
	}
	return realtime
}
