package access

import (
	"bytes"
	"context"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
	reflectionv1 "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"

	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

func secured(f *tokenFile) func(*Options) {
	return func(o *Options) { o.Auth.Tokens = f.path }
}

// Every method of the API, called by everybody: what may be done follows from the
// roles in the .proto files alone.
func TestRolesOfAllMethods(t *testing.T) {
	f := newTokenFile(t)
	r := startRig(t, func(o *Options) {
		o.Auth.Tokens = f.path
		o.Auth.Failures = 10_000
	})
	conn := r.dial(t, nil)
	roles := methodsOfAPI()
	if len(roles) < 18 {
		t.Fatalf("there are %d methods", len(roles))
	}
	for method, needed := range roles {
		if needed == streamvetv1.Role_ROLE_UNSPECIFIED {
			t.Errorf("%s has no role: it is closed to everybody", method)
		}
		for name, c := range map[string]struct {
			ctx    context.Context
			code   codes.Code // OK: it may be called
			reason string
		}{
			"nobody":           {t.Context(), codes.Unauthenticated, "TOKEN"},
			"a wrong token":    {with(t.Context(), "svt_wrong"), codes.Unauthenticated, "TOKEN"},
			"an expired token": {with(t.Context(), f.expired), codes.Unauthenticated, "TOKEN"},
			"operate":          {with(t.Context(), f.operate), codes.OK, ""},
			"read":             {with(t.Context(), f.read), readerMay(needed), readerReason(needed)},
		} {
			code, err := invoke(c.ctx, conn, method)
			if c.code == codes.OK {
				if code == codes.Unauthenticated || code == codes.PermissionDenied {
					t.Errorf("%s by %s: %v", method, name, err)
				}
				continue
			}
			if code != c.code || reasonOf(err) != c.reason {
				t.Errorf("%s by %s: %v", method, name, err)
			}
		}
	}
}

func readerMay(needed streamvetv1.Role) codes.Code {
	if needed == streamvetv1.Role_ROLE_READ {
		return codes.OK
	}
	return codes.PermissionDenied
}

func readerReason(needed streamvetv1.Role) string {
	if needed == streamvetv1.Role_ROLE_READ {
		return ""
	}
	return "ROLE"
}

// invoke makes a call with an empty message, whatever its kind, and gives how it began.
func invoke(ctx context.Context, conn *grpc.ClientConn, method string) (codes.Code, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, method, grpc.ForceCodecV2(raw{}))
	if err == nil {
		err = s.SendMsg([]byte{})
	}
	if err == nil || err == io.EOF {
		s.CloseSend()
		var answer []byte
		err = s.RecvMsg(&answer)
	}
	if err == io.EOF {
		err = nil
	}
	return status.Code(err), err
}

// raw sends bytes as they are.
type raw struct{}

func (raw) Name() string { return "proto" }

func (raw) Marshal(v any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(v.([]byte))}, nil
}

func (raw) Unmarshal(data mem.BufferSlice, v any) error {
	*v.(*[]byte) = data.Materialize()
	return nil
}

var _ encoding.CodecV2 = raw{}

// A method without a role, or of a service that the API does not have, is closed.
func TestUnknownMethods(t *testing.T) {
	for _, method := range []string{"", "/", "/other.Service/Do", "/streamvet.v1.SourceService/", "/streamvet.v1.SourceService/AddSource/"} {
		if methodsOfAPI().allows(streamvetv1.Role_ROLE_OPERATE, method) || isOpen(method) {
			t.Errorf("%q may be called", method)
		}
	}
	if methodsOfAPI().allows(streamvetv1.Role_ROLE_UNSPECIFIED, "/streamvet.v1.ServerService/GetStatus") {
		t.Error("without a role something may be called")
	}
}

func TestWhoCalls(t *testing.T) {
	f := newTokenFile(t)
	conn := startRig(t, secured(f)).dial(t, nil)
	for name, c := range map[string]struct {
		header []string
		caller string
		code   codes.Code
	}{
		"reader":           {[]string{"Bearer " + f.read}, "reader", codes.OK},
		"small letters":    {[]string{"bearer " + f.operate}, "operator", codes.OK},
		"no scheme":        {[]string{f.read}, "", codes.Unauthenticated},
		"another scheme":   {[]string{"Basic " + f.read}, "", codes.Unauthenticated},
		"nothing":          {[]string{""}, "", codes.Unauthenticated},
		"no token":         {[]string{"Bearer "}, "", codes.Unauthenticated},
		"two headers":      {[]string{"Bearer " + f.read, "Bearer " + f.read}, "", codes.Unauthenticated},
		"a space too many": {[]string{"Bearer  " + f.read}, "", codes.Unauthenticated},
		"a long one":       {[]string{"Bearer " + strings.Repeat("x", 4000)}, "", codes.Unauthenticated},
	} {
		ctx := t.Context()
		for _, h := range c.header {
			ctx = metadata.AppendToOutgoingContext(ctx, "authorization", h)
		}
		caller, _, err := whoami(ctx, conn)
		if caller != c.caller || status.Code(err) != c.code {
			t.Errorf("%s: %q, %v", name, caller, err)
		}
	}
}

// Without tokens and client certificates, who can connect may do everything.
func TestUnsecured(t *testing.T) {
	conn := startRig(t, nil).dial(t, nil)
	for _, ctx := range []context.Context{t.Context(), with(t.Context(), "svt_whatever")} {
		if name, role, err := whoami(ctx, conn); err != nil || role != streamvetv1.Role_ROLE_OPERATE || name != "127.0.0.1" {
			t.Errorf("%q, %v, %v", name, role, err)
		}
	}
}

func TestOpenServices(t *testing.T) {
	conn := startRig(t, secured(newTokenFile(t))).dial(t, nil)
	if _, err := healthv1.NewHealthClient(conn).Check(t.Context(), &healthv1.HealthCheckRequest{}); err != nil {
		t.Errorf("health: %v", err)
	}
	s, err := reflectionv1.NewServerReflectionClient(conn).ServerReflectionInfo(t.Context())
	if err == nil {
		err = s.Send(&reflectionv1.ServerReflectionRequest{MessageRequest: &reflectionv1.ServerReflectionRequest_ListServices{}})
	}
	if err == nil {
		_, err = s.Recv()
	}
	if err != nil {
		t.Errorf("reflection: %v", err)
	}
}

// A client that calls too often is told when to come back; others are not touched.
func TestRate(t *testing.T) {
	f := newTokenFile(t)
	r := startRig(t, func(o *Options) {
		o.Auth.Tokens, o.Auth.Rate, o.Auth.Burst = f.path, 0.001, 3
	})
	conn := r.dial(t, nil)
	for range 3 {
		if _, _, err := whoami(with(t.Context(), f.read), conn); err != nil {
			t.Fatal(err)
		}
	}
	_, _, err := whoami(with(t.Context(), f.read), conn)
	wantRefused(t, err, codes.ResourceExhausted, "RATE")
	var wait time.Duration
	for _, d := range status.Convert(err).Details() {
		if info, ok := d.(*errdetails.RetryInfo); ok {
			wait = info.RetryDelay.AsDuration()
		}
	}
	if wait < 500*time.Second || wait > 1000*time.Second {
		t.Errorf("it says to wait %v", wait)
	}
	if _, _, err := whoami(with(t.Context(), f.operate), conn); err != nil {
		t.Errorf("another caller: %v", err)
	}
}

// Wrong tokens are refused and logged, but only so many of one address; a right
// one is taken all the same.
func TestWrongTokensAreLimited(t *testing.T) {
	f := newTokenFile(t)
	r := startRig(t, secured(f))
	conn := r.dial(t, nil)
	counts := map[codes.Code]int{}
	for range 30 {
		_, _, err := whoami(with(t.Context(), "svt_guess"), conn)
		counts[status.Code(err)]++
	}
	if counts[codes.Unauthenticated] < 10 || counts[codes.ResourceExhausted] < 15 {
		t.Errorf("got %v", counts)
	}
	if n := strings.Count(r.log.String(), "a call was refused"); n != counts[codes.Unauthenticated] {
		t.Errorf("%d refusals are logged, %d were told", n, counts[codes.Unauthenticated])
	}
	if _, _, err := whoami(with(t.Context(), f.read), conn); err != nil {
		t.Errorf("a right token: %v", err)
	}
}

// No token is in a log, an error, or a metric.
func TestTokensStaySecret(t *testing.T) {
	f := newTokenFile(t)
	r := startRig(t, secured(f))
	conn := r.dial(t, nil)
	secrets := []string{f.read, f.operate, f.expired, "svt_guess"}
	var told strings.Builder
	for _, s := range secrets {
		_, _, err := whoami(with(t.Context(), s), conn)
		if err != nil {
			told.WriteString(err.Error())
		}
		_, err = streamvetv1.NewSourceServiceClient(conn).AddSource(with(t.Context(), s), &streamvetv1.AddSourceRequest{})
		told.WriteString(err.Error())
	}
	families, err := r.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range families {
		told.WriteString(m.String())
	}
	told.WriteString(r.log.String())
	for _, s := range secrets {
		if strings.Contains(told.String(), s) {
			t.Errorf("%s is told", s)
		}
	}
	if !strings.Contains(r.log.String(), "caller=operator") {
		t.Errorf("the log does not tell who called:\n%s", r.log)
	}
}

// A token that is taken back, or whose time is over, ends the calls under way.
func TestTokenIsTakenBack(t *testing.T) {
	f := newTokenFile(t)
	r := startRig(t, secured(f))
	conn := r.dial(t, nil)
	reader, operator := follow(t, with(t.Context(), f.read), conn), follow(t, with(t.Context(), f.operate), conn)
	lines, err := os.ReadFile(f.path)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Reload(); err != nil { // unchanged
		t.Fatal(err)
	}
	write(t, f.path, string(bytes.ReplaceAll(lines, []byte("reader"), []byte("#reader"))))
	if err := r.Reload(); err != nil {
		t.Fatal(err)
	}
	_, err = reader.Recv()
	wantRefused(t, err, codes.Unauthenticated, "TOKEN")
	if _, _, err := whoami(with(t.Context(), f.read), conn); status.Code(err) != codes.Unauthenticated {
		t.Errorf("a new call gives %v", err)
	}
	write(t, f.path, string(lines))
	if err := r.Reload(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := whoami(with(t.Context(), f.read), conn); err != nil {
		t.Errorf("given again: %v", err)
	}
	write(t, f.path, "garbage")
	if err := r.Reload(); err == nil {
		t.Error("garbage is taken")
	}
	if _, _, err := whoami(with(t.Context(), f.operate), conn); err != nil {
		t.Errorf("after garbage: %v", err)
	}
	r.EndCalls()
	_, err = operator.Recv() // it has gone on all the time
	wantRefused(t, err, codes.Unavailable, "SHUTDOWN")
}

func TestTokenExpiresMeanwhile(t *testing.T) {
	f := newTokenFile(t)
	text, line, err := NewToken("guest", "read", time.Now().Add(2*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	write(t, f.path, line)
	r := startRig(t, secured(f))
	_, err = follow(t, with(t.Context(), text), r.dial(t, nil)).Recv()
	wantRefused(t, err, codes.Unauthenticated, "TOKEN")
}

func TestShutdownEndsCallsToCome(t *testing.T) {
	r := startRig(t, nil)
	conn := r.dial(t, nil)
	r.EndCalls()
	s, err := streamvetv1.NewVerdictServiceClient(conn).FollowVerdicts(t.Context(), &streamvetv1.FollowVerdictsRequest{})
	for err == nil {
		_, err = s.Recv()
	}
	wantRefused(t, err, codes.Unavailable, "SHUTDOWN")
}

func TestPanics(t *testing.T) {
	r := startRig(t, nil)
	c := streamvetv1.NewSourceServiceClient(r.dial(t, nil))
	_, err := c.GetSource(t.Context(), &streamvetv1.GetSourceRequest{Name: "panic"})
	if status.Code(err) != codes.Internal || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("got %v", err)
	}
	if _, err := c.GetSource(t.Context(), &streamvetv1.GetSourceRequest{Name: "a"}); err != nil {
		t.Errorf("the next call: %v", err)
	}
	if n := r.metric(t, "streamvet_panics_total"); n != 1 {
		t.Errorf("%v panics are counted", n)
	}
	if log := r.log.String(); !strings.Contains(log, "a call has panicked") || !strings.Contains(log, "main_test.go") {
		t.Errorf("the log does not tell where:\n%s", log)
	}
}

// What breaks the rules of its message is refused before the service sees it.
func TestRulesOfMessages(t *testing.T) {
	conn := startRig(t, nil).dial(t, nil)
	_, unary := streamvetv1.NewSourceServiceClient(conn).GetSource(t.Context(), &streamvetv1.GetSourceRequest{})
	s, err := streamvetv1.NewVetServiceClient(conn).Vet(t.Context())
	if err == nil {
		err = s.Send(&streamvetv1.VetRequest{})
	}
	if err != nil {
		t.Fatal(err)
	}
	_, streamed := s.Recv()
	for name, err := range map[string]error{"unary": unary, "streamed": streamed} {
		if status.Code(err) != codes.InvalidArgument {
			t.Errorf("%s: %v", name, err)
		}
		var violations *validate.Violations
		for _, d := range status.Convert(err).Details() {
			violations, _ = d.(*validate.Violations)
		}
		if len(violations.GetViolations()) == 0 {
			t.Errorf("%s: the details do not say what is wrong", name)
		}
	}
}

// What is too large, or no message, is refused, and the server goes on.
func TestMessagesOutOfBounds(t *testing.T) {
	r := startRig(t, nil)
	conn := r.dial(t, nil)
	big := &streamvetv1.GetSourceRequest{Name: strings.Repeat("a", 5<<20)}
	if _, err := streamvetv1.NewSourceServiceClient(conn).GetSource(t.Context(), big); status.Code(err) != codes.ResourceExhausted {
		t.Errorf("a large request: %v", err)
	}
	_, err := streamvetv1.NewVerdictServiceClient(conn).ListVerdicts(t.Context(), &streamvetv1.ListVerdictsRequest{PageSize: 17}, grpc.MaxCallRecvMsgSize(64<<20))
	if status.Code(err) != codes.ResourceExhausted {
		t.Errorf("a large answer: %v", err)
	}
	ctx := metadata.AppendToOutgoingContext(t.Context(), "x", strings.Repeat("a", 2*maxHeaderBytes))
	if _, _, err := whoami(ctx, conn); err == nil {
		t.Error("a large header is taken")
	}
	for _, garbage := range [][]byte{{0xff}, bytes.Repeat([]byte{0x0a, 0xff}, 1000), []byte("GET / HTTP/1.1\r\n")} {
		var answer []byte
		err := conn.Invoke(t.Context(), "/streamvet.v1.SourceService/GetSource", garbage, &answer, grpc.ForceCodecV2(raw{}))
		if c := status.Code(err); c != codes.Internal && c != codes.InvalidArgument {
			t.Errorf("garbage: %v", err)
		}
	}
	if _, _, err := whoami(t.Context(), r.dial(t, nil)); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}
