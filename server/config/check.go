package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"strconv"
)

// checks gathers what makes no sense. Each fault names the setting, where its
// value came from, and the remedy.
type checks struct {
	loaded *Loaded
	errs   []error
}

func (c *checks) need(ok bool, name, format string, args ...any) {
	if !ok {
		c.errs = append(c.errs, fmt.Errorf("%s (%s): %w", name, c.loaded.Origin(name), fmt.Errorf(format, args...)))
	}
}

// check refuses what the server could not run with, or not safely.
func (l *Loaded) check() error {
	c := &checks{loaded: l}
	c.need(l.State.Dir != "", "state.dir", "it is empty: name a directory")
	c.grpc(&l.GRPC)
	c.exposure(&l.Config)
	c.tls(&l.TLS)
	c.auth(&l.Auth)
	c.reach(&l.Reach)
	c.limits(&l.Limits)
	c.engine(&l.Engine)
	c.need(len(l.Detectors.Only) == 0 || len(l.Detectors.Without) == 0, "detectors.only", "it and detectors.without exclude each other")
	c.journal(&l.Journal)
	c.need(l.Metrics.InstancePrice >= 0, "metrics.instance_price", "%v is negative", l.Metrics.InstancePrice)
	c.trace(&l.Trace)
	c.need(l.Shutdown.Timeout > 0, "shutdown.timeout", "it must be longer than nothing")
	return errors.Join(c.errs...)
}

func (c *checks) grpc(g *GRPC) {
	c.need(g.MaxReceiveBytes >= 64<<10 && g.MaxReceiveBytes <= 1<<30, "grpc.max_receive_bytes", "%v is not in 64KiB..1GiB", g.MaxReceiveBytes)
	c.need(g.MaxSendBytes >= 64<<10 && g.MaxSendBytes <= 1<<30, "grpc.max_send_bytes", "%v is not in 64KiB..1GiB", g.MaxSendBytes)
	c.need(g.MaxConnections >= 1, "grpc.max_connections", "%d is not at least 1", g.MaxConnections)
	c.need(g.MaxConcurrentStreams >= 1, "grpc.max_concurrent_streams", "%d is not at least 1", g.MaxConcurrentStreams)
	c.need(g.PingAfter > 0, "grpc.ping_after", "it must be longer than nothing")
	c.need(g.MinPing > 0, "grpc.min_ping", "it must be longer than nothing")
}

// exposure refuses to serve other machines in the clear, or everybody.
func (c *checks) exposure(all *Config) {
	for _, at := range []struct{ name, address string }{{"grpc.address", all.GRPC.Address}, {"http.address", all.HTTP.Address}} {
		if at.address == "" {
			c.need(at.name != "grpc.address", at.name, "it is empty: write where to listen, as 127.0.0.1:7171")
			continue
		}
		host, ok := hostOf(at.address)
		if !ok {
			c.need(false, at.name, "%.80q is no address: write it as 127.0.0.1:7171", at.address)
			continue
		}
		if isLoopback(host) || all.Insecure {
			continue
		}
		c.need(all.TLS.Cert != "", at.name, "%s can be reached from other machines, and there is no TLS: set tls.cert and tls.key, "+
			"or listen on 127.0.0.1, or say --insecure if something in front of it takes care", at.address)
		c.need(all.Secured(), at.name, "%s can be reached from other machines, and anybody could do anything: set auth.tokens or tls.client_ca, "+
			"or listen on 127.0.0.1, or say --insecure", at.address)
	}
}

// Secured says that callers must show who they are.
func (c *Config) Secured() bool { return c.Auth.Tokens != "" || c.TLS.ClientCA != "" }

// hostOf takes "host:port" apart.
func hostOf(address string) (host string, ok bool) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return "", false
	}
	_, err = strconv.ParseUint(port, 10, 16)
	return host, err == nil
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

func (c *checks) tls(t *TLS) {
	c.need((t.Cert == "") == (t.Key == ""), "tls.key", "tls.cert and tls.key go together: set both")
	c.need(t.ClientCA == "" || t.Cert != "", "tls.client_ca", "client certificates need TLS: set tls.cert and tls.key")
	c.need(!t.RequireClient || t.ClientCA != "", "tls.require_client", "set tls.client_ca, which says whose certificates are taken")
	names := len(t.Readers) + len(t.Operators)
	c.need(names == 0 || t.ClientCA != "", "tls.readers", "set tls.client_ca, which says whose certificates are taken")
	c.need(names > 0 || t.ClientCA == "" || c.loaded.Auth.Tokens != "", "tls.client_ca", "nobody could do anything: say who in tls.readers and tls.operators, or set auth.tokens")
}

func (c *checks) auth(a *Auth) {
	c.need(a.Rate >= 0, "auth.rate", "%v is negative", a.Rate)
	c.need(a.Burst >= 1, "auth.burst", "%d is not at least 1", a.Burst)
	c.need(a.Failures >= 1, "auth.failures", "%d is not at least 1", a.Failures)
}

func (c *checks) reach(r *Reach) {
	for _, root := range r.Roots {
		c.need(filepath.IsAbs(root), "reach.roots", "%.80q does not begin with a slash", root)
	}
	for name, networks := range map[string][]string{"reach.allow": r.Allow, "reach.deny": r.Deny} {
		for _, n := range networks {
			_, err := netip.ParsePrefix(n)
			c.need(err == nil, name, "%.80q is no network: write it as 192.168.7.0/24", n)
		}
	}
}

func (c *checks) limits(l *Limits) {
	c.need(l.Sources >= 0, "limits.sources", "%d is negative", l.Sources)
	c.need(l.Followers >= 1, "limits.followers", "%d is not at least 1", l.Followers)
	c.need(l.Watchers >= 1, "limits.watchers", "%d is not at least 1", l.Watchers)
	c.need(l.Vets >= 1, "limits.vets", "%d is not at least 1", l.Vets)
	c.need(l.UploadBytes >= 1<<20, "limits.upload_bytes", "%v is less than 1MiB", l.UploadBytes)
	c.need(l.IndexLast >= 1<<20, "limits.index_last_bytes", "%v is less than 1MiB", l.IndexLast)
	c.need(l.LiveVet > 0, "limits.live_vet", "it must be longer than nothing")
}

func (c *checks) engine(e *Engine) {
	c.need(e.DecoderThreads >= 1 && e.DecoderThreads <= 64, "engine.decoder_threads", "%d is not in 1..64", e.DecoderThreads)
	c.need(e.InferenceThreads >= 1 && e.InferenceThreads <= 64, "engine.inference_threads", "%d is not in 1..64", e.InferenceThreads)
	c.need(e.DecoderShare > 0 && e.DecoderShare <= 1, "engine.decoder_share", "%v is not above 0 and at most 1", e.DecoderShare)
	c.need(e.MemoryReserve > 0, "engine.memory_reserve", "it must be more than nothing")
	c.need(e.MaxLatency > 0, "engine.max_latency", "it must be longer than nothing")
}

func (c *checks) journal(j *Journal) {
	c.need(j.Replicas >= 1 && j.Replicas <= 5, "journal.replicas", "%d is not in 1..5", j.Replicas)
	c.need(j.URL != "" || j.Credentials == "", "journal.credentials", "it belongs to journal.url: set that, or take this away")
	c.need(j.URL != "" || j.CA == "", "journal.ca", "it belongs to journal.url: set that, or take this away")
}

func (c *checks) trace(t *Trace) {
	c.need(t.Every >= 1, "trace.every", "%d is not at least 1", t.Every)
	if t.Endpoint != "" {
		host, ok := hostOf(t.Endpoint)
		c.need(ok && host != "", "trace.endpoint", "%.80q is no address: write it as collector.example:4317", t.Endpoint)
	}
}
