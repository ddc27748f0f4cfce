package registry

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
	"github.com/streamvet/streamvet/server/reach"
)

// Hidden stands for a secret. Sent back, it keeps the secret that is stored.
const Hidden = reach.Hidden

// redacted is a configuration as it may be told.
func redacted(c *streamvetv1.SourceConfig) *streamvetv1.SourceConfig {
	c = clone(c)
	c.Url = reach.Redact(c.GetUrl())
	for k := range c.GetTransport().GetHttpHeaders() {
		c.Transport.HttpHeaders[k] = Hidden
	}
	if s := c.GetTransport().GetSrt(); s.GetPassphrase() != "" {
		s.Passphrase = Hidden
	}
	return c
}

// restored is c with the secrets of stored where it has Hidden. They are only
// given to the host that they were meant for.
func restored(c, stored *streamvetv1.SourceConfig) (*streamvetv1.SourceConfig, error) {
	c = clone(c)
	took := false
	var err error
	if c.Url, took, err = reach.Restore(c.GetUrl(), stored.GetUrl()); err != nil {
		return c, fmt.Errorf("%w: url: %w", ErrInvalid, err)
	}
	for k, v := range c.GetTransport().GetHttpHeaders() {
		if v != Hidden {
			continue
		}
		was, ok := stored.GetTransport().GetHttpHeaders()[k]
		if !ok {
			return c, fmt.Errorf("%w: transport.http_headers: %s stands for a stored value, and there is none of %s: give the value", ErrInvalid, Hidden, k)
		}
		c.Transport.HttpHeaders[k], took = was, true
	}
	if s := c.GetTransport().GetSrt(); s.GetPassphrase() == Hidden {
		was := stored.GetTransport().GetSrt().GetPassphrase()
		if was == "" {
			return c, fmt.Errorf("%w: transport.srt.passphrase: %s stands for a stored one, and there is none: give the passphrase", ErrInvalid, Hidden)
		}
		s.Passphrase, took = was, true
	}
	if took && !reach.SameHost(c.GetUrl(), stored.GetUrl()) {
		return c, fmt.Errorf("%w: url: it leads to another host, and secrets are kept for the one that they were given for: give them again", ErrInvalid)
	}
	return c, nil
}

// secrets lists the secrets of a configuration, as they are written and as they
// are meant, the longest first.
func secrets(c *streamvetv1.SourceConfig) []string {
	all := reach.Secrets(c.GetUrl())
	for _, v := range c.GetTransport().GetHttpHeaders() {
		all = append(all, v)
	}
	all = append(all, c.GetTransport().GetSrt().GetPassphrase())
	for _, s := range slices.Clone(all) {
		if plain, err := url.PathUnescape(s); err == nil {
			all = append(all, plain)
		}
		all = append(all, url.QueryEscape(s))
	}
	// What is short would take words apart, and is no secret.
	all = slices.DeleteFunc(all, func(s string) bool { return len(s) < 4 })
	slices.SortFunc(all, func(a, b string) int { return len(b) - len(a) })
	return slices.Compact(all)
}

// scrub takes the secrets of a configuration out of a text.
func scrub(c *streamvetv1.SourceConfig, text string) string {
	text = reach.RedactAll(text)
	for _, s := range secrets(c) {
		text = strings.ReplaceAll(text, s, Hidden)
	}
	return text
}
