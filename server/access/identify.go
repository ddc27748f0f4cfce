package access

import (
	"crypto/tls"
	"errors"
	"strings"
	"time"

	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

// credential is what a caller shows, over gRPC or HTTP.
type credential struct {
	address string
	tls     *tls.ConnectionState // nil in the clear
	header  []string             // values of "authorization"
}

// identify finds out who calls. The error is a status without a secret.
func (a *Access) identify(c credential, now time.Time) (Caller, error) {
	if !a.secured {
		return Caller{Name: addressKey(c.address), Role: streamvetv1.Role_ROLE_OPERATE}, nil
	}
	if len(c.header) > 0 {
		k, err := a.byToken(c.header, now)
		if err != nil {
			return Caller{}, a.stray(c.address, err.Error(), now)
		}
		return Caller{Name: k.name, Role: k.role, Expires: k.expires, token: k}, nil
	}
	if c.tls != nil {
		caller, ok, err := a.certified(*c.tls, now)
		if err != nil {
			return Caller{}, a.stray(c.address, err.Error(), now)
		}
		if ok {
			return caller, nil
		}
	}
	return Caller{}, a.stray(c.address, `a token is needed: send it as "authorization: Bearer TOKEN"`, now)
}

var errHeader = errors.New(`the authorization header is not "Bearer TOKEN"`)

func (a *Access) byToken(header []string, now time.Time) (*token, error) {
	if len(header) > 1 {
		return nil, errHeader
	}
	scheme, text, _ := strings.Cut(header[0], " ")
	if !strings.EqualFold(scheme, "bearer") || text == "" || len(text) > maxTokenBytes {
		return nil, errHeader
	}
	return a.tokens.Load().find(text, now)
}

// stray refuses a caller. Addresses that try too often are told so, and no more is
// logged of them.
func (a *Access) stray(address, why string, now time.Time) error {
	wait, ok := a.strays.take(addressKey(address), now)
	if !ok {
		a.metrics.refused.WithLabelValues("rate").Inc()
		return refuseRate(wait, "too many wrong tries from this address: wait, and check the token")
	}
	a.metrics.refused.WithLabelValues("token").Inc()
	a.log.Warn("a call was refused", "address", address, "reason", why)
	return refuseToken(why)
}
