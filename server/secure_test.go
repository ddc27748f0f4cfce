package server

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
	"github.com/streamvet/streamvet/server/access"
)

// selfSigned makes a certificate of 127.0.0.1 and gives its files, and what trusts it.
func selfSigned(t testing.TB) (cert, key string, trust *tls.Config) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, k.Public(), k)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	write(t, cert, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	write(t, key, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})))
	pool := x509.NewCertPool()
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool.AddCert(parsed)
	return cert, key, &tls.Config{RootCAs: pool}
}

// With TLS and tokens, API and HTTP ask for both, and no secret is told anywhere.
func TestSecured(t *testing.T) {
	cert, key, trust := selfSigned(t)
	read, readLine, err := access.NewToken("reader", "read", time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	operate, operateLine, err := access.NewToken("operator", "operate", time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	tokens := filepath.Join(t.TempDir(), "tokens")
	write(t, tokens, readLine+"\n"+operateLine+"\n")
	s := setting{args: []string{"--tls-cert", cert, "--tls-key", key, "--auth-tokens", tokens, "--metrics-auth", "--metrics-per-source",
		"--grpc-address=0.0.0.0:0", "--http-address=0.0.0.0:0"}}.start(t)
	_, apiPort, _ := net.SplitHostPort(s.Address())
	_, pagesPort, _ := net.SplitHostPort(s.HTTPAddress())

	conn, err := grpc.NewClient("127.0.0.1:"+apiPort, grpc.WithTransportCredentials(credentials.NewTLS(trust)))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	add := func(token string) error {
		ctx := t.Context()
		if token != "" {
			ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token)
		}
		_, err := streamvetv1.NewSourceServiceClient(conn).AddSource(ctx, &streamvetv1.AddSourceRequest{Config: &streamvetv1.SourceConfig{
			Name: "cam", Url: "rtsp://jo:pa55word@cam.invalid/live?key=tok3n", Transport: &streamvetv1.Transport{HttpHeaders: map[string]string{"X-Key": "h3ader"}},
		}})
		return err
	}
	for token, want := range map[string]codes.Code{"": codes.Unauthenticated, "svt_x": codes.Unauthenticated, read: codes.PermissionDenied} {
		if err := add(token); status.Code(err) != want {
			t.Errorf("adding a source: %v, want %v", err, want)
		}
	}
	if err := add(operate); err != nil {
		t.Fatal(err)
	}
	s.eventually("the source was tried", func() bool { return s.sources.States()[streamvetv1.SourceState_SOURCE_STATE_RECONNECTING] == 1 })

	var told strings.Builder
	pages := "https://127.0.0.1:" + pagesPort
	for _, c := range []struct {
		path, token string
		code        int
	}{
		{"/healthz", "", 200}, {"/readyz", "", 200},
		{"/metrics", "", 401}, {"/metrics", "svt_x", 401}, {"/metrics", read, 200}, {"/metrics", operate, 200},
		{"/debug/pprof/", "", 401}, {"/debug/pprof/", read, 403}, {"/debug/pprof/", operate, 200}, {"/debug/pprof/cmdline", read, 403},
	} {
		client := &http.Client{Transport: &http.Transport{TLSClientConfig: trust, DisableKeepAlives: true}}
		code, body := fetch(t, client, pages+c.path, c.token)
		if code != c.code {
			t.Errorf("%s: %d, want %d", c.path, code, c.code)
		}
		told.WriteString(body)
	}
	if !strings.Contains(told.String(), `streamvet_source_frames_total{source="cam"}`) {
		t.Error("there are no metrics of the source")
	}
	told.WriteString(s.log.String())
	told.WriteString(s.config.Load().String())
	for _, secret := range []string{read, operate, "svt_x", "pa55word", "tok3n", "h3ader"} {
		if strings.Contains(told.String(), secret) {
			t.Errorf("%s is told", secret)
		}
	}
	resp, err := http.Get("http://127.0.0.1:" + pagesPort + "/healthz") // in the clear
	if err == nil {
		resp.Body.Close()
		if resp.StatusCode == 200 {
			t.Error("HTTP answers in the clear")
		}
	}
}
