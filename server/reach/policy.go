package reach

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// ErrRefused is of what the server may not read from.
var ErrRefused = errors.New("the server may not read from there")

// Options say what is allowed beside the public internet.
type Options struct {
	// Roots are directories within which files may be read; none: no file may.
	Roots []string
	// Allow are networks that may be reached though they are not public: loopback,
	// private, link-local and the like. Where a cloud tells its machines their secrets
	// takes a prefix that is that address alone.
	Allow []netip.Prefix
	// Deny are networks that may not be reached; they win over Allow.
	Deny []netip.Prefix
	// CAFile and UnverifiedTLS are as in media.TLS.
	CAFile        string
	UnverifiedTLS bool
	// Resolver looks up names; nil: net.DefaultResolver.
	Resolver Resolver
}

// Resolver looks up names, as *net.Resolver does.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Policy decides. It does not change, and may be used from any goroutine. It is a
// guard of media: judged is what is connected to.
type Policy struct{ options Options }

// Trust says which servers of TLS are trusted: those with a certificate of a CA in
// this file, or of the system's if it is empty, or all of them.
func (p *Policy) Trust() (caFile string, unverified bool) {
	return p.options.CAFile, p.options.UnverifiedTLS
}

// New makes a policy. Roots must be absolute.
func New(o Options) (*Policy, error) {
	if o.Resolver == nil {
		o.Resolver = net.DefaultResolver
	}
	for _, root := range o.Roots {
		if !strings.HasPrefix(root, "/") {
			return nil, fmt.Errorf("reach: the root %q is no absolute path", root)
		}
	}
	return &Policy{options: o}, nil
}

// ports are the schemes that may be read, with the port where none is named.
var ports = map[string]int{
	"rtsp": 554, "rtsps": 322, "srt": 0, "udp": 0, "rtp": 0, "rtmp": 1935, "rtmps": 443, "http": 80, "https": 443,
}

// Check refuses an address that could not be opened whatever its name resolves to.
// What the name resolves to is judged when it is connected to.
func (p *Policy) Check(url string) error {
	u := split(url)
	scheme := u.name()
	if scheme == "file" {
		path, err := Path(url)
		if err != nil {
			return err
		}
		return p.checkPath(path)
	}
	port, known := ports[scheme]
	if !known {
		return fmt.Errorf("%w: the protocol %.20q is none of rtsp, rtsps, srt, udp, rtp, rtmp, rtmps, http, https, file", ErrRefused, scheme)
	}
	host, named, err := hostPort(u.host)
	if err != nil {
		return err
	}
	if named > 0 {
		port = named
	}
	if port == 0 {
		return fmt.Errorf("%w: %s needs a port", ErrShape, scheme)
	}
	if u.listens() {
		return nil // the host is one of this machine, or none
	}
	if host == "" && datagrams(scheme) {
		return nil
	}
	if host == "" {
		return ErrShape
	}
	if a, err := netip.ParseAddr(host); err == nil {
		return p.receives(networkOf(scheme), a)
	}
	return nil
}

func (p parts) name() string { return strings.ToLower(strings.TrimSuffix(p.scheme, "://")) }

// listens tells whether an address of SRT waits to be called.
func (p parts) listens() bool {
	return p.name() == "srt" && slices.Contains(strings.Split(strings.TrimPrefix(p.query, "?"), "&"), "mode=listener")
}

func datagrams(scheme string) bool { return scheme == "udp" || scheme == "rtp" }

func networkOf(scheme string) string {
	if datagrams(scheme) || scheme == "srt" {
		return "udp"
	}
	return "tcp"
}

func hostPort(s string) (host string, port int, err error) {
	host, text := s, ""
	if rest, ok := strings.CutPrefix(s, "["); ok {
		if host, text, ok = strings.Cut(rest, "]"); !ok || text != "" && text[0] != ':' {
			return "", 0, ErrShape
		}
		text = strings.TrimPrefix(text, ":")
	} else if i := strings.LastIndexByte(s, ':'); i >= 0 {
		host, text = s[:i], s[i+1:]
		if strings.ContainsAny(host, ":[]") {
			return "", 0, ErrShape
		}
	}
	if text == "" {
		return host, 0, nil
	}
	if port, err = strconv.Atoi(text); err != nil || port < 1 || port > 65535 {
		return "", 0, ErrShape
	}
	return host, port, nil
}

// Resolve gives the addresses of a host that may be reached.
func (p *Policy) Resolve(ctx context.Context, network, host string) ([]netip.Addr, error) {
	if a, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{a}, p.receives(network, a)
	}
	all, err := p.options.Resolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, err
	}
	var good []netip.Addr
	var why error
	for _, a := range all {
		if err := p.receives(network, a); err != nil {
			why = err
			continue
		}
		if good = append(good, a.Unmap()); len(good) == maxAddresses {
			break
		}
	}
	if len(good) == 0 && why == nil {
		return nil, &net.DNSError{Err: "it has no address", Name: host, IsNotFound: true}
	}
	if len(good) == 0 {
		return nil, fmt.Errorf("%w (%.253q leads there)", why, host)
	}
	return good, nil
}

const maxAddresses = 16

// receives judges an address that stands in a URL. A socket for datagrams may
// stand anywhere on this machine, and join any group: it only listens.
func (p *Policy) receives(network string, a netip.Addr) error {
	a = a.Unmap().WithZone("")
	if network == "udp" && (a.IsUnspecified() || a.IsMulticast()) && !p.denied(a) {
		return nil
	}
	return p.check(a)
}

// Connect refuses to send to an address that may not be reached.
func (p *Policy) Connect(_ string, to netip.AddrPort) error {
	return p.check(to.Addr().Unmap().WithZone(""))
}

func (p *Policy) denied(a netip.Addr) bool { return within(p.options.Deny, a) }

func within(all []netip.Prefix, a netip.Addr) bool {
	return slices.ContainsFunc(all, func(n netip.Prefix) bool { return n.Contains(a) })
}

func (p *Policy) check(a netip.Addr) error {
	if p.denied(a) {
		return fmt.Errorf("%w: %v is in a network that is denied", ErrRefused, a)
	}
	if slices.Contains(metadata, a) {
		if slices.Contains(p.options.Allow, netip.PrefixFrom(a, a.BitLen())) {
			return nil
		}
		return fmt.Errorf("%w: %v is where a cloud tells its machines their secrets", ErrRefused, a)
	}
	if inside, ok := embedded(a); ok {
		return p.check(inside)
	}
	if kind := special(a); kind != "" && !within(p.options.Allow, a) {
		return fmt.Errorf("%w: %v is %s: allow its network (reach.allow) if the server should", ErrRefused, a, kind)
	}
	return nil
}
