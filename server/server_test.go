package server

import (
	"context"
	"net"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	reflectionv1 "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"

	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

// With defaults for everything, all of it is there, and it ends clean.
func TestServe(t *testing.T) {
	s := setting{}.start(t)
	conn := s.dial()
	if h, err := healthv1.NewHealthClient(conn).Check(t.Context(), &healthv1.HealthCheckRequest{}); err != nil || h.Status != healthv1.HealthCheckResponse_SERVING {
		t.Errorf("health: %v, %v", h, err)
	}
	got := services(t, reflectionv1.NewServerReflectionClient(conn))
	for _, name := range []string{"Source", "Verdict", "Score", "Vet", "Detector", "Server"} {
		if full := "streamvet.v1." + name + "Service"; !slices.Contains(got, full) {
			t.Errorf("%s is not served: %v", full, got)
		}
	}
	r, err := streamvetv1.NewServerServiceClient(conn).GetStatus(t.Context(), &streamvetv1.GetStatusRequest{})
	if err != nil || r.Version != "1.2.3" || r.Role != streamvetv1.Role_ROLE_OPERATE || r.Detectors != 2 || !strings.HasPrefix(r.Device, "cpu") {
		t.Errorf("status: %v, %v", r, err)
	}
	for path, want := range map[string]string{
		"/healthz":               "ok",
		"/readyz":                "ok",
		"/metrics":               "streamvet_build_info",
		"/debug/pprof/":          "goroutine",
		"/debug/pprof/heap?gc=1": "",
		"/debug/pprof/cmdline":   "server.test",
	} {
		if code, body := s.get(path); code != 200 || !strings.Contains(body, want) {
			t.Errorf("%s: %d %.200s", path, code, body)
		}
	}
	for _, path := range []string{"/", "/nothing", "/healthz/x"} {
		if code, _ := s.get(path); code != 404 {
			t.Errorf("%s: %d", path, code)
		}
	}
	if err := s.end(); err != nil {
		t.Errorf("the end: %v", err)
	}
	for _, address := range []string{s.Address(), s.HTTPAddress()} {
		if c, err := net.Dial("tcp", address); err == nil {
			c.Close()
			t.Errorf("%s is still served", address)
		}
	}
}

func services(t testing.TB, c reflectionv1.ServerReflectionClient) (names []string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	f, err := c.ServerReflectionInfo(ctx)
	if err == nil {
		err = f.Send(&reflectionv1.ServerReflectionRequest{MessageRequest: &reflectionv1.ServerReflectionRequest_ListServices{}})
	}
	if err != nil {
		t.Fatal(err)
	}
	answer, err := f.Recv()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range answer.GetListServicesResponse().GetService() {
		names = append(names, s.Name)
	}
	return names
}

func TestWithoutReflectionAndHTTP(t *testing.T) {
	s := setting{args: []string{"--grpc-reflection=false", "--http-address="}}.start(t)
	f, err := reflectionv1.NewServerReflectionClient(s.dial()).ServerReflectionInfo(t.Context())
	if err == nil {
		_, err = f.Recv()
	}
	if status.Code(err) != codes.Unimplemented {
		t.Errorf("reflection gives %v", err)
	}
	if s.HTTPAddress() != "" {
		t.Errorf("HTTP is at %s", s.HTTPAddress())
	}
}

// What stands in the way is told at the start, and nothing is left behind: with
// the fault mended, the same state directory serves.
func TestFaultsAtTheStart(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	state := t.TempDir() + "/state"
	for name, c := range map[string]struct {
		setting setting
		want    string
	}{
		"port of the API": {setting{args: []string{"--grpc-address=" + taken.Addr().String()}}, "listen for the API (grpc.address)"},
		"port of HTTP":    {setting{args: []string{"--http-address=" + taken.Addr().String()}}, "listen for HTTP (http.address)"},
		"no certificate":  {setting{args: []string{"--tls-cert=/nowhere", "--tls-key=/nowhere"}}, "read the certificates: stat /nowhere"},
		"no tokens":       {setting{args: []string{"--auth-tokens=/nowhere"}}, "read the tokens: stat /nowhere"},
		"no detector":     {setting{args: []string{"--detectors-only=blak"}}, `detectors: there is no detector "blak": did you mean black?`},
		"no directory":    {setting{args: []string{"--detectors-dir=/nowhere"}}, "detectors.dir: load detectors: there is no directory /nowhere"},
		"no GPU":          {setting{args: []string{"--engine-device=gpu"}}, "open engine: "},
		"no cluster":      {setting{args: []string{"--journal-url=nats://jo:s3cret@127.0.0.1:1", "--journal-credentials=/nowhere"}}, "journal"},
		"no CA":           {setting{args: []string{"--journal-url=nats://127.0.0.1:1", "--journal-ca=/nowhere"}}, "read journal.ca: open /nowhere"},
	} {
		c.setting.state = state
		r, err := c.setting.make(t)
		if err == nil {
			err = r.Run(t.Context())
		}
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error()+r.log.String(), "s3cret") {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
	setting{state: state}.start(t)
}

func TestReadyTellsWhyNot(t *testing.T) {
	s := setting{}.start(t)
	s.phase.Store(starting)
	if code, body := s.get("/readyz"); code != 503 || body != "the server starts\n" {
		t.Errorf("while it starts: %d %q", code, body)
	}
	s.phase.Store(ending)
	if code, body := s.get("/readyz"); code != 503 || body != "the server is about to end\n" {
		t.Errorf("while it ends: %d %q", code, body)
	}
	if code, _ := s.get("/healthz"); code != 200 {
		t.Errorf("healthz: %d", code)
	}
	s.phase.Store(serving)
	s.journal.Close()
	if code, body := s.get("/readyz"); code != 503 || !strings.Contains(body, "the journal is unavailable") {
		t.Errorf("without a journal: %d %q", code, body)
	}
}
