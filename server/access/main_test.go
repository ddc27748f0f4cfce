package access

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/reflection"
	"google.golang.org/grpc/status"

	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
	"github.com/streamvet/streamvet/server/config"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rig is a gRPC server with all services behind an Access.
type rig struct {
	*Access
	address  string
	log      *logBuffer
	registry *prometheus.Registry
	grpc     *grpc.Server
}

func startRig(t testing.TB, change func(*Options)) *rig {
	t.Helper()
	c := config.Default()
	log := &logBuffer{}
	o := Options{
		GRPC: c.GRPC, TLS: c.TLS, Auth: c.Auth, Registry: prometheus.NewRegistry(),
		Logger: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	if change != nil {
		change(&o)
	}
	a, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	options, err := a.ServerOptions()
	if err != nil {
		t.Fatal(err)
	}
	s := grpc.NewServer(options...)
	streamvetv1.RegisterSourceServiceServer(s, sources{})
	streamvetv1.RegisterVerdictServiceServer(s, verdicts{})
	streamvetv1.RegisterScoreServiceServer(s, streamvetv1.UnimplementedScoreServiceServer{})
	streamvetv1.RegisterVetServiceServer(s, vets{})
	streamvetv1.RegisterDetectorServiceServer(s, streamvetv1.UnimplementedDetectorServiceServer{})
	streamvetv1.RegisterServerServiceServer(s, serverService{})
	healthv1.RegisterHealthServer(s, health.NewServer())
	reflection.Register(s)
	a.Count(s)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	t.Cleanup(func() {
		s.Stop()
		if err := <-served; err != nil && !errors.Is(err, grpc.ErrServerStopped) {
			t.Error(err)
		}
	})
	return &rig{a, l.Addr().String(), log, o.Registry, s}
}

// dial connects in the clear, or with TLS.
func (r *rig) dial(t testing.TB, c *tls.Config) *grpc.ClientConn {
	t.Helper()
	creds := insecure.NewCredentials()
	if c != nil {
		creds = credentials.NewTLS(c)
	}
	conn, err := grpc.NewClient(r.address, grpc.WithTransportCredentials(creds))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// metric is the sum of a counter over its labels.
func (r *rig) metric(t testing.TB, name string) (sum float64) {
	t.Helper()
	families, err := r.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == name {
				sum += m.GetCounter().GetValue()
			}
		}
	}
	return sum
}

// sources panics when a source of that name is asked for.
type sources struct {
	streamvetv1.UnimplementedSourceServiceServer
}

func (sources) GetSource(_ context.Context, r *streamvetv1.GetSourceRequest) (*streamvetv1.GetSourceResponse, error) {
	if r.Name == "panic" {
		panic("s3cret of the panic")
	}
	return &streamvetv1.GetSourceResponse{}, nil
}

// verdicts sends one message and goes on until the call ends.
type verdicts struct {
	streamvetv1.UnimplementedVerdictServiceServer
}

func (verdicts) FollowVerdicts(_ *streamvetv1.FollowVerdictsRequest, s grpc.ServerStreamingServer[streamvetv1.FollowVerdictsResponse]) error {
	if err := s.Send(&streamvetv1.FollowVerdictsResponse{}); err != nil {
		return err
	}
	<-s.Context().Done()
	return status.FromContextError(s.Context().Err()).Err()
}

func (verdicts) ListVerdicts(_ context.Context, r *streamvetv1.ListVerdictsRequest) (*streamvetv1.ListVerdictsResponse, error) {
	return &streamvetv1.ListVerdictsResponse{NextPageToken: strings.Repeat("x", int(r.PageSize)<<20)}, nil
}

// vets takes messages until there are no more.
type vets struct {
	streamvetv1.UnimplementedVetServiceServer
}

func (vets) Vet(s grpc.BidiStreamingServer[streamvetv1.VetRequest, streamvetv1.VetResponse]) error {
	for {
		if _, err := s.Recv(); err != nil {
			return err
		}
	}
}

// serverService says what role the caller has.
type serverService struct {
	streamvetv1.UnimplementedServerServiceServer
}

func (serverService) GetStatus(ctx context.Context, _ *streamvetv1.GetStatusRequest) (*streamvetv1.GetStatusResponse, error) {
	c, ok := FromContext(ctx)
	if !ok {
		return nil, errors.New("there is no caller")
	}
	return &streamvetv1.GetStatusResponse{Role: c.Role, Version: c.Name}, nil
}

// with adds a token to the context of a call.
func with(ctx context.Context, token string) context.Context {
	return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token)
}

// whoami is what the server takes the caller for.
func whoami(ctx context.Context, conn *grpc.ClientConn) (string, streamvetv1.Role, error) {
	r, err := streamvetv1.NewServerServiceClient(conn).GetStatus(ctx, &streamvetv1.GetStatusRequest{})
	return r.GetVersion(), r.GetRole(), err
}

// follow begins to follow, and waits until the call has begun.
func follow(t testing.TB, ctx context.Context, conn *grpc.ClientConn) grpc.ServerStreamingClient[streamvetv1.FollowVerdictsResponse] {
	t.Helper()
	f, err := streamvetv1.NewVerdictServiceClient(conn).FollowVerdicts(ctx, &streamvetv1.FollowVerdictsRequest{})
	if err == nil {
		_, err = f.Recv()
	}
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// reasonOf is the reason in the details of an error.
func reasonOf(err error) string {
	for _, d := range status.Convert(err).Details() {
		if info, ok := d.(*errdetails.ErrorInfo); ok && info.Domain == "streamvet" {
			return info.Reason
		}
	}
	return ""
}

// wantRefused checks the code and reason of an error.
func wantRefused(t testing.TB, err error, code codes.Code, reason string) {
	t.Helper()
	if status.Code(err) != code || reasonOf(err) != reason {
		t.Errorf("got %v with the reason %q, want %v and %q", err, reasonOf(err), code, reason)
	}
}

// tokenFile is a file with a token for each role, and one that has expired.
type tokenFile struct {
	path                   string
	read, operate, expired string
}

func newTokenFile(t testing.TB) *tokenFile {
	t.Helper()
	f := &tokenFile{path: filepath.Join(t.TempDir(), "tokens")}
	var lines []string
	for _, k := range []struct {
		name, role string
		expires    time.Time
		text       *string
	}{
		{"reader", "read", time.Time{}, &f.read},
		{"operator", "operate", time.Now().Add(time.Hour), &f.operate},
		{"former", "operate", time.Now().Add(-time.Second), &f.expired},
	} {
		text, line, err := NewToken(k.name, k.role, k.expires)
		if err != nil {
			t.Fatal(err)
		}
		*k.text = text
		lines = append(lines, line)
	}
	write(t, f.path, "# tokens of the tests\n\n"+strings.Join(lines, "\n")+"\n")
	return f
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// logBuffer keeps what is logged.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
