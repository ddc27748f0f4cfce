package config

import (
	"regexp"

	"google.golang.org/protobuf/proto"

	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
	"github.com/streamvet/streamvet/server/reach"
)

var userPart = regexp.MustCompile(`//[^/@]*@`)

// maskUsers hides users and passwords, either of which may be a token, in one
// address or in several.
func maskUsers(text string) string {
	return userPart.ReplaceAllString(text, "//"+reach.Hidden+"@")
}

// maskSource is a copy of s without secrets.
func maskSource(s *streamvetv1.SourceConfig) *streamvetv1.SourceConfig {
	s = proto.CloneOf(s)
	s.Url = reach.Redact(s.Url)
	for name := range s.GetTransport().GetHttpHeaders() {
		s.Transport.HttpHeaders[name] = reach.Hidden
	}
	if srt := s.GetTransport().GetSrt(); srt.GetPassphrase() != "" {
		srt.Passphrase = reach.Hidden
	}
	return s
}
