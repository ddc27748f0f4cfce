package media

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// secure serves a folder over TLS, with a certificate of its own for 127.0.0.1 that
// is valid until then. ca is the file of that certificate.
func secure(t *testing.T, dir string, until time.Time) (s *httptest.Server, ca string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: until.String()}, NotBefore: until.Add(-48 * time.Hour), NotAfter: until, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	s = httptest.NewUnstartedServer(http.FileServer(http.Dir(dir)))
	s.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	ca = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return s, ca
}

func TestTrust(t *testing.T) {
	path := clip(t, "trust.ts", picture2s+" -c:v mpeg2video -q:v 5")
	dir, file := filepath.Split(path)
	good, ca := secure(t, dir, time.Now().Add(time.Hour))
	old, oldCA := secure(t, dir, time.Now().Add(-time.Hour))
	// What a playlist of one server names on another must be trusted as well.
	list := filepath.Join(t.TempDir(), "list.m3u8")
	text := "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n" + good.URL + "/" + file + "\n#EXT-X-ENDLIST\n"
	if err := os.WriteFile(list, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	plain := httptest.NewServer(http.FileServer(http.Dir(filepath.Dir(list))))
	defer plain.Close()
	for _, c := range []struct {
		name, url string
		trust     TLS
		want      string // of the error; empty: it is read
	}{
		{"no CA that is known", good.URL + "/" + file, TLS{}, "not from a CA"},
		{"of a CA that is named", good.URL + "/" + file, TLS{CAFile: ca}, ""},
		{"whoever it is", good.URL + "/" + file, TLS{Unverified: true}, ""},
		{"another's", good.URL + "/" + file, TLS{CAFile: oldCA}, "not from a CA"},
		{"for another host", strings.Replace(good.URL, "127.0.0.1", "localhost", 1) + "/" + file, TLS{CAFile: ca}, "another host"},
		{"expired", old.URL + "/" + file, TLS{CAFile: oldCA}, "expired"},
		{"in a playlist", plain.URL + "/list.m3u8", TLS{}, "not from a CA"},
		{"in a playlist, of a CA that is named", plain.URL + "/list.m3u8", TLS{CAFile: ca}, ""},
		{"no file", good.URL + "/" + file, TLS{CAFile: ca + "x"}, "no such file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := Open(t.Context(), c.url, Options{TLS: c.trust, StallTimeout: 20 * time.Second})
			if err == nil {
				err = readAll(s)
				s.Close()
			}
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

// readAll reads the pictures to their end; none is an error.
func readAll(s *Source) error {
	for n := 0; ; n++ {
		f, err := s.Video()[0].Next(context.Background())
		if err == io.EOF && n == 0 {
			return fmt.Errorf("no picture")
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		f.Release()
	}
}
