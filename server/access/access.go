// Package access decides who may call the server, and what: TLS and client
// certificates, tokens, roles, and how often. It gives the gRPC server its
// options and wraps what is served over HTTP.
//
// A caller shows a token, or else the certificate of its connection. A token that
// is wrong is refused even where the certificate would do. Where the server knows
// neither tokens nor client certificates, everybody may do everything; package
// config sees to it that then only this machine can call, unless the operator
// says otherwise.
//
// Certificates, CAs and tokens are read again from disk by Reload. Connections go
// on; calls of those who may no longer call are ended.
package access

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
	"github.com/streamvet/streamvet/server/config"
)

// Options are what an Access is made of.
type Options struct {
	GRPC config.GRPC
	TLS  config.TLS
	Auth config.Auth
	// Logger is told who calls and who is refused; nil discards it.
	Logger *slog.Logger
	// Registry takes the metrics of calls; needed.
	Registry *prometheus.Registry
}

// Access guards a server. Its methods may be called from any goroutine.
type Access struct {
	options Options
	log     *slog.Logger
	secured bool // callers must show who they are
	tokens  atomic.Pointer[tokens]
	certs   atomic.Pointer[certificates]
	methods methods
	calls   calls
	clients limiters // by caller
	strays  limiters // by address: wrong tokens
	metrics *metrics
}

// New reads the files that the options name. What is wrong with them is an error.
func New(o Options) (*Access, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	a := &Access{
		options: o, log: o.Logger,
		secured: o.Auth.Tokens != "" || o.TLS.ClientCA != "",
		methods: methodsOfAPI(),
		clients: newLimiters(o.Auth.Rate, o.Auth.Burst),
		strays:  newLimiters(float64(o.Auth.Failures)/60, o.Auth.Failures),
		metrics: newMetrics(o.Registry),
	}
	if err := a.Reload(); err != nil {
		return nil, err
	}
	return a, nil
}

// Reload reads certificates, CAs and tokens again. What is wrong leaves those in
// force that were; what is unchanged costs next to nothing.
func (a *Access) Reload() error {
	err := errors.Join(a.reloadTokens(), a.reloadCertificates())
	a.calls.review(a.stillWelcome)
	return err
}

// Caller is who makes a call.
type Caller struct {
	// Name is that of the token or certificate, or the address of somebody who need
	// not show any.
	Name string
	// Role is what the caller may do.
	Role streamvetv1.Role
	// Expires is when the token or certificate does; zero for never.
	Expires time.Time

	token *token       // nil without one
	cert  *certificate // nil without one
}

type callerKey struct{}

// FromContext is who makes the call.
func FromContext(ctx context.Context) (Caller, bool) {
	c, ok := ctx.Value(callerKey{}).(Caller)
	return c, ok
}

// stillWelcome says whether a caller would be let in again.
func (a *Access) stillWelcome(c Caller) error {
	now := time.Now()
	switch {
	case c.token != nil:
		return a.tokens.Load().still(c.token, now)
	case c.cert != nil:
		return a.certs.Load().still(c.cert, now)
	}
	return nil
}
