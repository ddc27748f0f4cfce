package registry

import (
	"testing"

	"github.com/streamvet/streamvet/engine/media"
	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
	"github.com/streamvet/streamvet/server/reach"
)

// Which servers are trusted is the operator's to say, and holds for every source.
func TestTrustOfSources(t *testing.T) {
	for _, want := range []media.TLS{{}, {CAFile: "/ca.pem"}, {Unverified: true}} {
		policy, err := reach.New(reach.Options{CAFile: want.CAFile, UnverifiedTLS: want.Unverified})
		if err != nil {
			t.Fatal(err)
		}
		if c := Input(&streamvetv1.SourceConfig{Url: "https://camera.example/live.m3u8"}, policy); c.TLS != want {
			t.Errorf("%+v, want %+v", c.TLS, want)
		}
	}
}
