package client

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
)

// Options are where a server is, and how it is spoken to.
type Options struct {
	// Address is host:port.
	Address string
	// Token is who the caller is; empty: nobody says. It goes out only over TLS, or
	// with Plaintext.
	Token string
	// Plaintext leaves TLS out.
	Plaintext bool
	// CA is the PEM file of who may sign the server's certificate; empty: the system's.
	CA string
	// Cert and Key are the PEM files of the caller's own certificate, if the server
	// asks for one.
	Cert, Key string
	// Dial are further options of gRPC.
	Dial []grpc.DialOption
}

// Client is a connection to a server. Its methods may be called from any goroutine.
type Client struct {
	// Conn is for the stubs of proto/streamvet/v1.
	Conn *grpc.ClientConn
	// pause waits; tests do not.
	pause func(ctx context.Context, d time.Duration) error
}

// Dial makes a client. It connects when it is first used.
func Dial(o Options) (*Client, error) {
	if o.Address == "" {
		return nil, errors.New("client: no address of a server")
	}
	creds, err := o.credentials()
	if err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	options := []grpc.DialOption{
		grpc.WithTransportCredentials(creds),
		// Within a minute it is known that a server is gone without a word.
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 30 * time.Second, Timeout: 20 * time.Second}),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(16 << 20)),
		grpc.WithUserAgent("streamvet"),
	}
	if o.Token != "" {
		options = append(options, grpc.WithPerRPCCredentials(bearer{o.Token, !o.Plaintext}))
	}
	conn, err := grpc.NewClient(o.Address, append(options, o.Dial...)...)
	if err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	return &Client{Conn: conn, pause: pause}, nil
}

// Close ends the connection and all calls on it.
func (c *Client) Close() error { return c.Conn.Close() }

func (o Options) credentials() (credentials.TransportCredentials, error) {
	if o.Plaintext {
		if o.CA != "" || o.Cert != "" || o.Key != "" {
			return nil, errors.New("certificates are of no use without TLS: leave them out, or plaintext")
		}
		return insecure.NewCredentials(), nil
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if o.CA != "" {
		pem, err := os.ReadFile(o.CA)
		if err != nil {
			return nil, fmt.Errorf("read the CA: %w", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s holds no certificate in PEM", o.CA)
		}
	}
	if (o.Cert == "") != (o.Key == "") {
		return nil, errors.New("a certificate needs its key, and a key its certificate")
	}
	if o.Cert != "" {
		pair, err := tls.LoadX509KeyPair(o.Cert, o.Key)
		if err != nil {
			return nil, fmt.Errorf("read the certificate of this client: %w", err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return credentials.NewTLS(c), nil
}

// bearer sends a token with every call.
type bearer struct {
	token  string
	secure bool
}

func (b bearer) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": "Bearer " + b.token}, nil
}

func (b bearer) RequireTransportSecurity() bool { return b.secure }

// ReadToken reads a token from a file, which others must not be able to read.
func ReadToken(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("client: the token: %w", err)
	}
	if info.Mode().IsRegular() && info.Mode().Perm()&0o077 != 0 {
		return "", fmt.Errorf("client: others may read the token in %s: chmod 600 it", path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("client: the token: %w", err)
	}
	token := strings.TrimSpace(string(text))
	if token == "" || strings.ContainsAny(token, " \t\r\n") {
		return "", fmt.Errorf("client: %s holds no token alone on its line", path)
	}
	return token, nil
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
