package access

import (
	"context"
	"sync"
	"time"

	middleware "github.com/grpc-ecosystem/go-grpc-middleware/v2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

// calls are those that go on: a follower may stay for months, and its token be
// taken back meanwhile.
type calls struct {
	mu    sync.Mutex
	going map[*call]struct{}
	ended error // all calls are, with this
}

type call struct {
	caller Caller
	end    context.CancelCauseFunc
}

// intercept ends the context of a streaming call when its caller's time is over,
// and gives the reason as the call's error.
func (c *calls) intercept(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	whole := stream.Context() // of the call itself
	caller, ok := FromContext(whole)
	if !ok { // an open method
		return handler(srv, stream)
	}
	ctx, end := context.WithCancelCause(whole)
	defer end(nil)
	leave := c.enter(&call{caller, end})
	defer leave()
	if !caller.Expires.IsZero() {
		t := time.AfterFunc(time.Until(caller.Expires), func() { end(refuseToken("the token or certificate has expired: ask for another one")) })
		defer t.Stop()
	}
	wrapped := middleware.WrapServerStream(stream)
	wrapped.WrappedContext = ctx
	err := handler(srv, wrapped)
	if ctx.Err() != nil && whole.Err() == nil {
		return context.Cause(ctx)
	}
	return err
}

func (c *calls) enter(k *call) (leave func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.going == nil {
		c.going = map[*call]struct{}{}
	}
	c.going[k] = struct{}{}
	if c.ended != nil {
		k.end(c.ended)
	}
	return func() {
		c.mu.Lock()
		delete(c.going, k)
		c.mu.Unlock()
	}
}

// review ends the calls of those who are not welcome any more.
func (c *calls) review(welcome func(Caller) error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for k := range c.going {
		if err := welcome(k.caller); err != nil {
			k.end(refuseToken(err.Error()))
		}
	}
}

// EndCalls ends all streaming calls, those to come too: the server is about to end.
func (a *Access) EndCalls() {
	c := &a.calls
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = refuse(codes.Unavailable, streamvetv1.ErrorReason_ERROR_REASON_SHUTDOWN, "the server is about to end: try again elsewhere or later")
	for k := range c.going {
		k.end(c.ended)
	}
}
