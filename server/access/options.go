package access

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"buf.build/go/protovalidate"
	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors"
	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/auth"
	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/logging"
	validate "github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/protovalidate"
	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/recovery"
	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/selector"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"

	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

// What no client may exceed.
const (
	maxHeaderBytes   = 16 << 10
	handshakeTimeout = 10 * time.Second
	pingTimeout      = 20 * time.Second
)

// ServerOptions are what a gRPC server takes: TLS, limits, and what every call
// goes through, from the outside: metrics, the log, recovery from panics, who
// calls, and the rules of the messages.
func (a *Access) ServerOptions() ([]grpc.ServerOption, error) {
	validator, err := protovalidate.New()
	if err != nil {
		return nil, fmt.Errorf("the rules of the API: %w", err)
	}
	unary := []grpc.UnaryServerInterceptor{a.metrics.rpc.UnaryServerInterceptor()}
	stream := []grpc.StreamServerInterceptor{a.metrics.rpc.StreamServerInterceptor()}
	for _, l := range a.loggings() {
		unary = append(unary, selector.UnaryServerInterceptor(logging.UnaryServerInterceptor(slogger(a.log), l.options...), l.of))
		stream = append(stream, selector.StreamServerInterceptor(logging.StreamServerInterceptor(slogger(a.log), l.options...), l.of))
	}
	recovers := recovery.WithRecoveryHandlerContext(a.recover)
	unary = append(unary, recovery.UnaryServerInterceptor(recovers), auth.UnaryServerInterceptor(a.admit), validate.UnaryServerInterceptor(validator))
	stream = append(stream, recovery.StreamServerInterceptor(recovers), auth.StreamServerInterceptor(a.admit), a.calls.intercept, validate.StreamServerInterceptor(validator))
	g := a.options.GRPC
	options := []grpc.ServerOption{
		grpc.ChainUnaryInterceptor(unary...),
		grpc.ChainStreamInterceptor(stream...),
		grpc.MaxRecvMsgSize(int(g.MaxReceiveBytes)),
		grpc.MaxSendMsgSize(int(g.MaxSendBytes)),
		grpc.MaxConcurrentStreams(uint32(g.MaxConcurrentStreams)),
		grpc.MaxHeaderListSize(maxHeaderBytes),
		grpc.ConnectionTimeout(handshakeTimeout),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: g.PingAfter, Timeout: pingTimeout}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: g.MinPing, PermitWithoutStream: true}),
	}
	if c := a.TLS(a.options.TLS.RequireClient, "h2"); c != nil {
		options = append(options, grpc.Creds(credentials.NewTLS(c)))
	}
	return options, nil
}

// recover makes an error of a panic. The process goes on: it watches other sources.
func (a *Access) recover(ctx context.Context, p any) error {
	method, _ := grpc.Method(ctx)
	a.metrics.panics.Inc()
	a.log.Error("a call has panicked", "method", method, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
	return status.Error(codes.Internal, "a fault of the server: its log has more")
}

type logged struct {
	of      selector.Matcher
	options []logging.Option
}

// loggings are two: what changes something is told with who did it, what only
// looks is told where the operator wants to see all.
func (a *Access) loggings() []logged {
	operates := func(_ context.Context, c interceptors.CallMeta) bool {
		return a.methods[c.FullMethod()] == streamvetv1.Role_ROLE_OPERATE
	}
	looks := func(ctx context.Context, c interceptors.CallMeta) bool {
		return !operates(ctx, c) && !isOpen(c.FullMethod())
	}
	options := func(ok logging.Level) []logging.Option {
		return []logging.Option{
			logging.WithLogOnEvents(logging.FinishCall),
			logging.WithLevels(func(c codes.Code) logging.Level { return levelOf(c, ok) }),
			logging.WithDisableLoggingFields(logging.SystemTag[0], logging.ComponentFieldKey, logging.MethodTypeFieldKey, "grpc.start_time"),
		}
	}
	return []logged{
		{selector.MatchFunc(operates), options(logging.LevelInfo)},
		{selector.MatchFunc(looks), options(logging.LevelDebug)},
	}
}

// levelOf keeps what clients can bring about at will out of the usual log.
func levelOf(c codes.Code, ok logging.Level) logging.Level {
	switch c {
	case codes.OK:
		return ok
	case codes.Unknown, codes.Internal, codes.DataLoss:
		return logging.LevelError
	case codes.Unavailable:
		return logging.LevelWarn
	}
	return logging.LevelDebug
}

func slogger(l *slog.Logger) logging.Logger {
	return logging.LoggerFunc(func(ctx context.Context, level logging.Level, msg string, fields ...any) {
		l.Log(ctx, slog.Level(level), msg, fields...)
	})
}
