package access

import (
	"context"
	"time"

	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/logging"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"

	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

// admit lets a call in, with its caller in the context, or says why not.
func (a *Access) admit(ctx context.Context) (context.Context, error) {
	now := time.Now()
	method, _ := grpc.Method(ctx)
	address := "?"
	p, hasPeer := peer.FromContext(ctx)
	if hasPeer {
		address = p.Addr.String()
	}
	if isOpen(method) {
		return ctx, a.hold("address "+addressKey(address), now)
	}
	shown := credential{address: address}
	if hasPeer {
		if info, ok := p.AuthInfo.(credentials.TLSInfo); ok {
			shown.tls = &info.State
		}
	}
	shown.header = metadata.ValueFromIncomingContext(ctx, "authorization")
	caller, err := a.identify(shown, now)
	if err != nil {
		return nil, err
	}
	logging.AddFields(ctx, logging.Fields{"caller", caller.Name})
	if err := a.hold("caller "+caller.Name, now); err != nil {
		return nil, err
	}
	if !a.methods.allows(caller.Role, method) {
		a.metrics.refused.WithLabelValues("role").Inc()
		return nil, refuse(codes.PermissionDenied, streamvetv1.ErrorReason_ERROR_REASON_ROLE,
			"the role "+roleWord(caller.Role)+" of "+caller.Name+" is too small for "+method+": ask for a token with another one")
	}
	return context.WithValue(ctx, callerKey{}, caller), nil
}

// hold keeps callers to their rate.
func (a *Access) hold(key string, now time.Time) error {
	wait, ok := a.clients.take(key, now)
	if !ok {
		a.metrics.refused.WithLabelValues("rate").Inc()
		return refuseRate(wait, "too many calls: wait, and call less often")
	}
	return nil
}
