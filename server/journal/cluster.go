package journal

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
)

// cluster is a NATS cluster, or a single server, outside this process. Its
// connections come back by themselves.
type cluster struct {
	options     Options
	wake        func()
	connections []*nats.Conn
}

func reachCluster(o Options, wake func()) *cluster {
	if o.Replicas == 1 {
		o.Logger.Warn("journal: each record lies on one server of the cluster only; it is safe from a power failure if that server has jetstream { sync_interval: always }, which cannot be seen from here")
	}
	return &cluster{options: o, wake: wake}
}

func (c *cluster) connect(name string) (*nats.Conn, error) {
	log := c.options.Logger.With("connection", name)
	options := []nats.Option{
		nats.Name(name),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(250 * time.Millisecond),
		// An append fails at once while there is no connection, rather than to wait in memory.
		nats.ReconnectBufSize(-1),
		nats.DisconnectErrHandler(func(nc *nats.Conn, err error) {
			if !nc.IsClosed() {
				log.Warn("journal: the cluster cannot be reached", "error", err)
				c.wake()
			}
		}),
		nats.ReconnectHandler(func(*nats.Conn) {
			log.Info("journal: the cluster is back")
			c.wake()
		}),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			log.Warn("journal: its connection", "error", err)
		}),
	}
	if c.options.Credentials != "" {
		options = append(options, nats.UserCredentials(c.options.Credentials))
	}
	if c.options.TLS != nil {
		options = append(options, nats.Secure(c.options.TLS))
	}
	nc, err := nats.Connect(c.options.URL, options...)
	if err != nil {
		return nil, fmt.Errorf("journal: reach %s: %w: %s", redact(c.options.URL), ErrUnavailable, hide(err, c.options.URL))
	}
	c.connections = append(c.connections, nc)
	return nc, nil
}

func (c *cluster) broken() error { return nil }

func (c *cluster) room() error {
	for _, nc := range c.connections {
		if !nc.IsConnected() {
			return fmt.Errorf("%w: no connection to %s", ErrUnavailable, redact(c.options.URL))
		}
	}
	return nil
}

func (c *cluster) close() {}

// redact is a list of addresses without what they say about users.
func redact(addresses string) string {
	var out []string
	for _, address := range strings.Split(addresses, ",") {
		address = strings.TrimSpace(address)
		if scheme, rest, ok := strings.Cut(address, "://"); ok {
			out = append(out, scheme+"://"+rest[strings.LastIndexByte(rest, '@')+1:])
		} else {
			out = append(out, address[strings.LastIndexByte(address, '@')+1:])
		}
	}
	return strings.Join(out, ",")
}

// hide is the text of err without what the addresses say about users.
func hide(err error, addresses string) string {
	var bad *url.Error
	if errors.As(err, &bad) {
		return "not an address: " + bad.Err.Error()
	}
	text := err.Error()
	for _, address := range strings.Split(addresses, ",") {
		if at := strings.LastIndexByte(address, '@'); at >= 0 {
			_, user, ok := strings.Cut(address[:at+1], "://")
			if !ok {
				user = strings.TrimSpace(address[:at+1])
			}
			text = strings.ReplaceAll(text, user, "")
		}
	}
	return text
}
