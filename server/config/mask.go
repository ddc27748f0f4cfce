package config

import (
	"net/url"
	"strings"

	"google.golang.org/protobuf/proto"

	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

// masked stands for a secret.
const masked = "xxxxx"

// maskURL hides the user and password, and all values of the query, of one URL
// or of several with commas.
func maskURL(text string) string {
	parts := strings.Split(text, ",")
	for i, part := range parts {
		parts[i] = maskOne(part)
	}
	return strings.Join(parts, ",")
}

func maskOne(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Opaque != "" {
		if text == "" {
			return ""
		}
		return masked
	}
	if _, has := u.User.Password(); has {
		u.User = url.UserPassword(u.User.Username(), masked)
	} else if u.User != nil {
		u.User = url.User(masked) // a token stands there, too
	}
	if u.RawQuery != "" {
		values := u.Query()
		for name := range values {
			values[name] = []string{masked}
		}
		u.RawQuery = values.Encode()
	}
	if u.Fragment != "" {
		u.Fragment = masked
	}
	return u.String()
}

// maskSource is a copy of s without secrets.
func maskSource(s *streamvetv1.SourceConfig) *streamvetv1.SourceConfig {
	s = proto.CloneOf(s)
	s.Url = maskOne(s.Url)
	for name := range s.GetTransport().GetHttpHeaders() {
		s.Transport.HttpHeaders[name] = masked
	}
	if srt := s.GetTransport().GetSrt(); srt.GetPassphrase() != "" {
		srt.Passphrase = masked
	}
	return s
}
