package access

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"

	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

// certificates are what TLS runs on, as it was read.
type certificates struct {
	raw     [3][]byte // certificate, key, CAs of clients
	config  *tls.Config
	clients *x509.CertPool // nil without
}

// certificate is what a client has shown, verified by the handshake.
type certificate struct {
	leaf  *x509.Certificate
	chain []*x509.Certificate // between it and the CA
}

// reloadCertificates reads the files if they have changed. A key that does not
// fit its certificate is an error: whoever renews both is between the two.
func (a *Access) reloadCertificates() error {
	t := a.options.TLS
	if t.Cert == "" {
		a.certs.Store(&certificates{})
		return nil
	}
	next := &certificates{}
	for i, path := range []string{t.Cert, t.Key, t.ClientCA} {
		if path == "" {
			continue
		}
		var err error
		if next.raw[i], err = readFile(path); err != nil {
			return fmt.Errorf("read the certificates: %w", err)
		}
	}
	old := a.certs.Load()
	if old != nil && slices.EqualFunc(old.raw[:], next.raw[:], bytes.Equal) {
		return nil
	}
	pair, err := tls.X509KeyPair(next.raw[0], next.raw[1])
	if err != nil {
		return fmt.Errorf("read the certificates: %s and %s: %w", t.Cert, t.Key, err)
	}
	if t.ClientCA != "" {
		next.clients = x509.NewCertPool()
		if !next.clients.AppendCertsFromPEM(next.raw[2]) {
			return fmt.Errorf("read the certificates: %s holds no certificate in PEM", t.ClientCA)
		}
	}
	next.config = tlsConfig(t.MinVersion, pair, next.clients)
	a.certs.Store(next)
	a.log.Info("certificates read", "file", t.Cert, "expires", pair.Leaf.NotAfter, "names", pair.Leaf.DNSNames)
	if now := time.Now(); now.After(pair.Leaf.NotAfter) || now.Before(pair.Leaf.NotBefore) {
		a.log.Warn("the server's certificate is not valid now: clients will refuse it",
			"file", t.Cert, "from", pair.Leaf.NotBefore, "until", pair.Leaf.NotAfter)
	}
	return nil
}

func tlsConfig(least string, pair tls.Certificate, clients *x509.CertPool) *tls.Config {
	c := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}}
	if least == "1.3" {
		c.MinVersion = tls.VersionTLS13
	}
	if clients != nil {
		c.ClientCAs, c.ClientAuth = clients, tls.VerifyClientCertIfGiven
		c.SessionTicketsDisabled = true // so that every connection shows its certificate to the CAs of now
	}
	return c
}

// TLS is for a listener that speaks protocols, and wants client certificates as
// required says; nil where the server has no TLS. It follows Reload.
func (a *Access) TLS(required bool, protocols ...string) *tls.Config {
	if a.options.TLS.Cert == "" {
		return nil
	}
	make := func() *tls.Config {
		c := a.certs.Load().config.Clone()
		c.NextProtos = protocols
		if required {
			c.ClientAuth = tls.RequireAndVerifyClientCert
		}
		return c
	}
	c := make()
	c.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) { return make(), nil }
	return c
}

// certified is who has shown a certificate in a handshake.
func (a *Access) certified(state tls.ConnectionState, now time.Time) (Caller, bool, error) {
	if len(state.VerifiedChains) == 0 {
		return Caller{}, false, nil
	}
	c := &certificate{leaf: state.PeerCertificates[0], chain: state.PeerCertificates[1:]}
	if now.After(c.leaf.NotAfter) {
		return Caller{}, false, errors.New("the client certificate has expired: connect with another one")
	}
	caller := Caller{Expires: c.leaf.NotAfter, cert: c}
	caller.Name, caller.Role = a.roleOf(c.leaf)
	return caller, true, nil
}

// roleOf gives the name of a certificate under which it may do most, and what.
func (a *Access) roleOf(leaf *x509.Certificate) (string, streamvetv1.Role) {
	all := namesOf(leaf)
	for _, r := range []struct {
		role  streamvetv1.Role
		names []string
	}{
		{streamvetv1.Role_ROLE_OPERATE, a.options.TLS.Operators},
		{streamvetv1.Role_ROLE_READ, a.options.TLS.Readers},
	} {
		for _, name := range all {
			if slices.Contains(r.names, name) || slices.Contains(r.names, "*") {
				return name, r.role
			}
		}
	}
	return all[0], streamvetv1.Role_ROLE_UNSPECIFIED
}

// namesOf are a certificate's alternative names; the common name only where there
// are none.
func namesOf(leaf *x509.Certificate) []string {
	all := slices.Concat(leaf.DNSNames, leaf.EmailAddresses)
	for _, u := range leaf.URIs {
		all = append(all, u.String())
	}
	if len(all) == 0 {
		all = append(all, leaf.Subject.CommonName)
	}
	return all
}

// still says whether a certificate would be let in again.
func (c *certificates) still(shown *certificate, now time.Time) error {
	between := x509.NewCertPool()
	for _, other := range shown.chain {
		between.AddCert(other)
	}
	_, err := shown.leaf.Verify(x509.VerifyOptions{
		Roots: c.clients, Intermediates: between, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	if err != nil {
		return errors.New("the client certificate is not taken any more: connect with another one")
	}
	return nil
}
