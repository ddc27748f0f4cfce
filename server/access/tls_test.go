package access

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

func withTLS(f tlsFiles) func(*Options) {
	return func(o *Options) { o.TLS.Cert, o.TLS.Key = f.cert, f.key }
}

// shake makes one handshake and gives what came of it.
func shake(address string, c *tls.Config) (tls.ConnectionState, error) {
	c = c.Clone()
	c.NextProtos = []string{"h2"}
	conn, err := tls.DialWithDialer(&net.Dialer{Timeout: 5 * time.Second}, "tcp", address, c)
	if err != nil {
		return tls.ConnectionState{}, err
	}
	defer conn.Close()
	return conn.ConnectionState(), nil
}

func TestVersionsOfTLS(t *testing.T) {
	ca := newAuthority(t, "ca")
	files := newTLSFiles(t, ca, nil)
	loose := startRig(t, withTLS(files))
	strict := startRig(t, func(o *Options) {
		withTLS(files)(o)
		o.TLS.MinVersion = "1.3"
	})
	for _, c := range []struct {
		name     string
		rig      *rig
		min, max uint16
		want     uint16 // 0: refused
	}{
		{"the newest", loose, tls.VersionTLS12, tls.VersionTLS13, tls.VersionTLS13},
		{"1.2", loose, tls.VersionTLS12, tls.VersionTLS12, tls.VersionTLS12},
		{"1.1", loose, tls.VersionTLS10, tls.VersionTLS11, 0},
		{"1.3 where it is needed", strict, tls.VersionTLS12, tls.VersionTLS13, tls.VersionTLS13},
		{"1.2 where 1.3 is needed", strict, tls.VersionTLS12, tls.VersionTLS12, 0},
	} {
		config := ca.client(t)
		config.MinVersion, config.MaxVersion = c.min, c.max
		state, err := shake(c.rig.address, config)
		if state.Version != c.want || (c.want == 0) != (err != nil) {
			t.Errorf("%s: %s, %v", c.name, tls.VersionName(state.Version), err)
		}
	}
	if _, err := shake(loose.address, newAuthority(t, "other").client(t)); err == nil {
		t.Error("a client takes a certificate of another CA")
	}
	if _, _, err := whoami(t.Context(), loose.dial(t, nil)); status.Code(err) != codes.Unavailable {
		t.Errorf("in the clear: %v", err)
	}
	if _, _, err := whoami(t.Context(), loose.dial(t, ca.client(t))); err != nil {
		t.Errorf("a call: %v", err)
	}
}

// The names in a client certificate decide what it may do.
func TestClientCertificates(t *testing.T) {
	ca, clients := newAuthority(t, "ca"), newAuthority(t, "clients")
	files := newTLSFiles(t, ca, clients)
	f := newTokenFile(t)
	r := startRig(t, func(o *Options) {
		withTLS(files)(o)
		o.TLS.ClientCA, o.Auth.Tokens = files.ca, f.path
		o.TLS.Readers, o.TLS.Operators = []string{"viewer.example", "spiffe://example/viewer", "jo@example", "plain"}, []string{"desk.example"}
	})
	none, read, operate := streamvetv1.Role_ROLE_UNSPECIFIED, streamvetv1.Role_ROLE_READ, streamvetv1.Role_ROLE_OPERATE
	for _, c := range []struct {
		name   string
		change func(*x509.Certificate)
		caller string
		role   streamvetv1.Role
		code   codes.Code
	}{
		{"DNS name", named("viewer.example"), "viewer.example", read, codes.OK},
		{"operator", named("desk.example"), "desk.example", operate, codes.OK},
		{"the larger role", func(c *x509.Certificate) { c.DNSNames = []string{"viewer.example", "desk.example"} }, "desk.example", operate, codes.OK},
		{"URI", func(c *x509.Certificate) { c.URIs = []*url.URL{mustURL(t, "spiffe://example/viewer")} }, "spiffe://example/viewer", read, codes.OK},
		{"e-mail", func(c *x509.Certificate) { c.EmailAddresses = []string{"jo@example"} }, "jo@example", read, codes.OK},
		{"common name", func(c *x509.Certificate) { c.Subject = pkix.Name{CommonName: "plain"} }, "plain", read, codes.OK},
		{"common name beside another", func(c *x509.Certificate) {
			c.Subject, c.DNSNames = pkix.Name{CommonName: "desk.example"}, []string{"other.example"}
		}, "", none, codes.PermissionDenied},
		{"unknown name", named("other.example"), "", none, codes.PermissionDenied},
		{"part of a name", named("desk.example.org"), "", none, codes.PermissionDenied},
		{"expired", func(c *x509.Certificate) {
			c.DNSNames, c.NotAfter = []string{"desk.example"}, time.Now().Add(-time.Minute)
		}, "", none, codes.Unavailable},
		{"not yet", func(c *x509.Certificate) {
			c.DNSNames, c.NotBefore = []string{"desk.example"}, time.Now().Add(time.Minute)
		}, "", none, codes.Unavailable},
		{"of a server alone", func(c *x509.Certificate) {
			c.DNSNames, c.ExtKeyUsage = []string{"desk.example"}, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		}, "", none, codes.Unavailable},
	} {
		cert, key := clients.issue(t, c.change)
		caller, role, err := whoami(t.Context(), r.dial(t, ca.client(t, cert, key)))
		if caller != c.caller || role != c.role || status.Code(err) != c.code {
			t.Errorf("%s: %q, %v, %v", c.name, caller, role, err)
		}
	}

	cert, key := ca.issue(t, named("desk.example")) // of a CA that is not for clients
	if _, _, err := whoami(t.Context(), r.dial(t, ca.client(t, cert, key))); status.Code(err) != codes.Unavailable {
		t.Errorf("another CA: %v", err)
	}
	if _, _, err := whoami(t.Context(), r.dial(t, ca.client(t))); status.Code(err) != codes.Unauthenticated {
		t.Errorf("no certificate: %v", err)
	}
	if caller, _, err := whoami(with(t.Context(), f.read), r.dial(t, ca.client(t))); caller != "reader" {
		t.Errorf("a token alone: %q, %v", caller, err)
	}
	cert, key = clients.issue(t, named("desk.example"))
	both := r.dial(t, ca.client(t, cert, key))
	if caller, role, err := whoami(with(t.Context(), f.read), both); caller != "reader" || role != read {
		t.Errorf("both: %q, %v, %v", caller, role, err)
	}
	_, _, err := whoami(with(t.Context(), "svt_wrong"), both)
	wantRefused(t, err, codes.Unauthenticated, "TOKEN")
}

func TestClientCertificateIsRequired(t *testing.T) {
	ca, clients := newAuthority(t, "ca"), newAuthority(t, "clients")
	files, f := newTLSFiles(t, ca, clients), newTokenFile(t)
	r := startRig(t, func(o *Options) {
		withTLS(files)(o)
		o.TLS.ClientCA, o.TLS.RequireClient, o.TLS.Readers, o.Auth.Tokens = files.ca, true, []string{"*"}, f.path
	})
	if _, _, err := whoami(with(t.Context(), f.operate), r.dial(t, ca.client(t))); status.Code(err) != codes.Unavailable {
		t.Errorf("a token alone: %v", err)
	}
	cert, key := clients.issue(t, named("anybody"))
	if caller, role, err := whoami(t.Context(), r.dial(t, ca.client(t, cert, key))); caller != "anybody" || role != streamvetv1.Role_ROLE_READ {
		t.Errorf("a certificate: %q, %v, %v", caller, role, err)
	}
}

// serial is the number of the certificate that a new connection gets.
func serial(t testing.TB, address string, c *tls.Config) *big.Int {
	t.Helper()
	state, err := shake(address, c)
	if err != nil {
		t.Fatal(err)
	}
	return state.PeerCertificates[0].SerialNumber
}

// A renewed certificate is for new connections; those that there are go on.
func TestCertificateIsRenewed(t *testing.T) {
	ca := newAuthority(t, "ca")
	files := newTLSFiles(t, ca, nil)
	r := startRig(t, withTLS(files))
	conn := r.dial(t, ca.client(t))
	f := follow(t, t.Context(), conn)
	old := serial(t, r.address, ca.client(t))
	renewed := files.renew(t, ca)
	if got := serial(t, r.address, ca.client(t)); got.Cmp(old) != 0 {
		t.Error("the new certificate is there before it was read")
	}
	if err := r.Reload(); err != nil {
		t.Fatal(err)
	}
	if got := serial(t, r.address, ca.client(t)); got.Cmp(renewed) != 0 {
		t.Error("new connections get the old certificate")
	}

	// Between the two files: the new key is there, its certificate is not.
	_, key := ca.issue(t, forServer)
	write(t, files.key, key)
	if err := r.Reload(); err == nil || strings.Contains(err.Error(), "PRIVATE") || !strings.Contains(err.Error(), files.key) {
		t.Errorf("a key that does not fit: %v", err)
	}
	write(t, files.cert, "")
	if err := r.Reload(); err == nil {
		t.Error("no certificate is taken")
	}
	if got := serial(t, r.address, ca.client(t)); got.Cmp(renewed) != 0 {
		t.Error("the certificate is gone")
	}
	last := files.renew(t, ca)
	if err := r.Reload(); err != nil {
		t.Fatal(err)
	}
	if got := serial(t, r.address, ca.client(t)); got.Cmp(last) != 0 {
		t.Error("a certificate after a faulty one is not taken")
	}

	var p peer.Peer // the connection from before is the one that is used still
	if _, err := streamvetv1.NewServerServiceClient(conn).GetStatus(t.Context(), &streamvetv1.GetStatusRequest{}, grpc.Peer(&p)); err != nil {
		t.Fatal(err)
	}
	if got := p.AuthInfo.(credentials.TLSInfo).State.PeerCertificates[0].SerialNumber; got.Cmp(old) != 0 {
		t.Error("the old connection was dropped")
	}
	r.EndCalls()
	_, err := f.Recv() // it has gone on
	wantRefused(t, err, codes.Unavailable, "SHUTDOWN")
}

// When the CA of the clients is exchanged, theirs end.
func TestClientCAIsExchanged(t *testing.T) {
	ca, before, after := newAuthority(t, "ca"), newAuthority(t, "before"), newAuthority(t, "after")
	files := newTLSFiles(t, ca, before)
	r := startRig(t, func(o *Options) {
		withTLS(files)(o)
		o.TLS.ClientCA, o.TLS.Readers = files.ca, []string{"*"}
	})
	cert, key := before.issue(t, named("a"))
	old := ca.client(t, cert, key)
	cert, key = after.issue(t, named("b"))
	next := ca.client(t, cert, key)
	f := follow(t, t.Context(), r.dial(t, old))
	write(t, files.ca, before.pem+after.pem) // both for a while
	if err := r.Reload(); err != nil {
		t.Fatal(err)
	}
	g := follow(t, t.Context(), r.dial(t, next))
	write(t, files.ca, after.pem)
	if err := r.Reload(); err != nil {
		t.Fatal(err)
	}
	_, err := f.Recv()
	wantRefused(t, err, codes.Unauthenticated, "TOKEN")
	if _, _, err := whoami(t.Context(), r.dial(t, old)); status.Code(err) != codes.Unavailable {
		t.Errorf("the old CA's client: %v", err)
	}
	if name, _, err := whoami(t.Context(), r.dial(t, next)); name != "b" {
		t.Errorf("the new CA's client: %v", err)
	}
	write(t, files.ca, "nothing")
	if err := r.Reload(); err == nil || !strings.Contains(err.Error(), "holds no certificate in PEM") {
		t.Errorf("a CA that is none: %v", err)
	}
	r.EndCalls()
	_, err = g.Recv()
	wantRefused(t, err, codes.Unavailable, "SHUTDOWN")
}

// A connection whose certificate expires meanwhile can make no more calls.
func TestClientCertificateExpiresMeanwhile(t *testing.T) {
	ca, clients := newAuthority(t, "ca"), newAuthority(t, "clients")
	files := newTLSFiles(t, ca, clients)
	r := startRig(t, func(o *Options) {
		withTLS(files)(o)
		o.TLS.ClientCA, o.TLS.Readers = files.ca, []string{"*"}
	})
	cert, key := clients.issue(t, func(c *x509.Certificate) { c.DNSNames, c.NotAfter = []string{"a"}, time.Now().Add(2*time.Second) })
	conn := r.dial(t, ca.client(t, cert, key))
	_, err := follow(t, t.Context(), conn).Recv()
	wantRefused(t, err, codes.Unauthenticated, "TOKEN")
	for err = error(nil); err == nil; { // seconds are whole in a certificate
		_, _, err = whoami(t.Context(), conn)
	}
	wantRefused(t, err, codes.Unauthenticated, "TOKEN")
}

func TestWrongTLSFiles(t *testing.T) {
	ca := newAuthority(t, "ca")
	for name, spoil := range map[string]func(f *tlsFiles){
		"no certificate": func(f *tlsFiles) { f.cert = "/nowhere/cert.pem" },
		"no key":         func(f *tlsFiles) { f.key = "/nowhere/key.pem" },
		"a directory":    func(f *tlsFiles) { f.key = t.TempDir() },
		"another key":    func(f *tlsFiles) { f.key = newTLSFiles(t, ca, nil).key },
		"no PEM":         func(f *tlsFiles) { write(t, f.cert, "x") },
	} {
		f := newTLSFiles(t, ca, nil)
		spoil(&f)
		a := &Access{}
		a.options.TLS.Cert, a.options.TLS.Key = f.cert, f.key
		if err := a.reloadCertificates(); err == nil || a.certs.Load() != nil {
			t.Errorf("%s: it is taken", name)
		}
	}
	var unset Access
	if err := unset.reloadCertificates(); err != nil || unset.TLS(false, "h2") != nil {
		t.Error("without files there is TLS", errors.Unwrap(err))
	}
}
