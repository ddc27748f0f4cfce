package api

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

const (
	ended      = streamvetv1.SourceState_SOURCE_STATE_ENDED
	failed     = streamvetv1.SourceState_SOURCE_STATE_FAILED
	paused     = streamvetv1.SourceState_SOURCE_STATE_PAUSED
	running    = streamvetv1.SourceState_SOURCE_STATE_RUNNING
	connecting = streamvetv1.SourceState_SOURCE_STATE_CONNECTING
)

func TestASourceIsToldWhole(t *testing.T) {
	h := open(t, options{})
	h.add(&streamvetv1.SourceConfig{Name: "film", Url: "file://" + blackAfter(t, h.files, "1")})
	s := h.await("film", ended)
	st := s.GetStatus()
	if st.GetFrames() != 150 || st.GetRaisedVerdicts() != 1 || st.GetOpenVerdicts() != 0 || st.GetEpoch() != 0 || st.GetReason() != "" || st.GetRestarts() != 0 {
		t.Errorf("its status: %v", st)
	}
	tracks := st.GetMedia().GetTracks()
	if len(tracks) != 1 || tracks[0].GetCodec() != "mpeg2video" || tracks[0].GetWidth() != 160 || tracks[0].GetFrameRate() != 25 || !tracks[0].GetVetted() ||
		tracks[0].GetDecoder() != streamvetv1.Decoder_DECODER_SOFTWARE {
		t.Errorf("its tracks: %v", tracks)
	}
	if s.GetCreated() == nil || s.GetUpdated() == nil || s.GetRevision() != 1 || s.GetFromFile() {
		t.Errorf("about it: %v", s)
	}
}

func TestAddIsRefused(t *testing.T) {
	h := open(t, options{sources: 1, allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}})
	add := func(c *streamvetv1.SourceConfig) error {
		_, err := h.sources().AddSource(within(t), &streamvetv1.AddSourceRequest{Config: c})
		return err
	}
	file := "file://" + blackAfter(t, h.files, "1")
	for _, c := range []struct {
		config *streamvetv1.SourceConfig
		code   codes.Code
		reason streamvetv1.ErrorReason
	}{
		{nil, codes.InvalidArgument, 0},
		{&streamvetv1.SourceConfig{Name: "a"}, codes.InvalidArgument, 0},
		{&streamvetv1.SourceConfig{Name: "A", Url: file}, codes.InvalidArgument, 0},
		{&streamvetv1.SourceConfig{Name: "a", Url: "rtsp://a:b:c/"}, codes.InvalidArgument, 0},
		{&streamvetv1.SourceConfig{Name: "a", Url: "rtsp://u:xxxxx@a/"}, codes.InvalidArgument, 0},
		{&streamvetv1.SourceConfig{Name: "a", Url: "http://169.254.169.254/latest"}, codes.PermissionDenied, streamvetv1.ErrorReason_ERROR_REASON_ADDRESS},
		{&streamvetv1.SourceConfig{Name: "a", Url: "rtsp://192.168.1.1/"}, codes.PermissionDenied, streamvetv1.ErrorReason_ERROR_REASON_ADDRESS},
		{&streamvetv1.SourceConfig{Name: "a", Url: "file:///etc/passwd"}, codes.PermissionDenied, streamvetv1.ErrorReason_ERROR_REASON_ADDRESS},
		{&streamvetv1.SourceConfig{Name: "a", Url: file, Detection: &streamvetv1.Detection{Rules: []*streamvetv1.RuleOverride{
			{Defect: "black", Rule: &streamvetv1.Rule{Raise: proto.Float64(0.2)}},
		}}}, codes.InvalidArgument, 0}, // below clear, which the detector has
		{&streamvetv1.SourceConfig{Name: "a", Url: file, Detection: &streamvetv1.Detection{Exclude: []string{"black"}}}, codes.InvalidArgument, 0},
	} {
		wantError(t, add(c.config), c.code, c.reason)
	}
	if err := add(&streamvetv1.SourceConfig{Name: "a", Url: file}); err != nil {
		t.Fatal(err)
	}
	wantError(t, add(&streamvetv1.SourceConfig{Name: "a", Url: file}), codes.AlreadyExists, streamvetv1.ErrorReason_ERROR_REASON_EXISTS)
	wantError(t, add(&streamvetv1.SourceConfig{Name: "b", Url: file}), codes.ResourceExhausted, streamvetv1.ErrorReason_ERROR_REASON_CAPACITY)
	_, err := h.sources().GetSource(within(t), &streamvetv1.GetSourceRequest{Name: "b"})
	wantError(t, err, codes.NotFound, streamvetv1.ErrorReason_ERROR_REASON_UNKNOWN)
}

// What cannot be read fails, says why, and starts again with an update.
func TestASourceThatFails(t *testing.T) {
	h := open(t, options{})
	path := filepath.Join(h.files, "later.ts")
	h.add(&streamvetv1.SourceConfig{Name: "later", Url: "file://" + path})
	s := h.await("later", failed)
	if !strings.Contains(s.GetStatus().GetReason(), "check the name") || s.GetStatus().GetLastErrorTime() == nil {
		t.Errorf("it says %v", s.GetStatus())
	}
	if err := os.Rename(blackAfter(t, h.files, "1"), path); err != nil {
		t.Fatal(err)
	}
	r, err := h.sources().UpdateSource(within(t), &streamvetv1.UpdateSourceRequest{
		Config: &streamvetv1.SourceConfig{Name: "later"}, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"paused"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if r.GetSource().GetRevision() != 1 {
		t.Errorf("nothing changed, and it has revision %d", r.GetSource().GetRevision())
	}
	if s := h.await("later", ended); s.GetStatus().GetReason() != "" || s.GetStatus().GetLastError() == "" {
		t.Errorf("it says %v", s.GetStatus())
	}
}

func TestUpdate(t *testing.T) {
	h := open(t, options{paced: true})
	c := &streamvetv1.SourceConfig{Name: "news", Url: "file://" + blackAfter(t, h.files, "1"), Labels: map[string]string{"site": "north"}}
	h.add(c)
	h.await("news", running)
	update := func(c *streamvetv1.SourceConfig, revision uint64, paths ...string) (*streamvetv1.Source, error) {
		c.Name = "news"
		r, err := h.sources().UpdateSource(within(t), &streamvetv1.UpdateSourceRequest{Config: c, UpdateMask: &fieldmaskpb.FieldMask{Paths: paths}, Revision: revision})
		return r.GetSource(), err
	}
	must := func(s *streamvetv1.Source, err error) *streamvetv1.Source {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := must(update(&streamvetv1.SourceConfig{Labels: map[string]string{"site": "south"}}, 1, "labels"))
	if s.GetRevision() != 2 || s.GetConfig().GetUrl() != c.GetUrl() || s.GetConfig().GetLabels()["site"] != "south" || s.GetStatus().GetState() != running {
		t.Errorf("labels changed: %v", s)
	}
	s = must(update(&streamvetv1.SourceConfig{Detection: &streamvetv1.Detection{Exclude: []string{"freeze"}}}, 2, "detection"))
	if s.GetStatus().GetState() != running || s.GetStatus().GetRestarts() != 0 || !strings.Contains(s.GetStatus().GetReason(), "freeze") {
		t.Errorf("detection changed: %v", s)
	}
	_, err := update(&streamvetv1.SourceConfig{}, 2, "labels")
	wantError(t, err, codes.Aborted, streamvetv1.ErrorReason_ERROR_REASON_REVISION)
	_, err = update(&streamvetv1.SourceConfig{}, 0, "labels.site")
	wantError(t, err, codes.InvalidArgument, 0)
	_, err = update(&streamvetv1.SourceConfig{}, 0, "url")
	wantError(t, err, codes.InvalidArgument, 0)
	_, err = update(&streamvetv1.SourceConfig{}, 0, "name")
	wantError(t, err, codes.InvalidArgument, 0)
	_, err = update(&streamvetv1.SourceConfig{Url: "http://10.0.0.1/"}, 0, "url")
	wantError(t, err, codes.PermissionDenied, streamvetv1.ErrorReason_ERROR_REASON_ADDRESS)

	s = must(update(&streamvetv1.SourceConfig{Reconnect: &streamvetv1.ReconnectPolicy{Jitter: proto.Float64(0), InitialBackoff: durationpb.New(1e9)}}, 0, "reconnect.jitter"))
	if s.GetConfig().GetReconnect().GetInitialBackoff() != nil || s.GetConfig().GetReconnect().Jitter == nil || s.GetStatus().GetState() != connecting {
		t.Errorf("reconnect changed: %v", s)
	}
	// The two together are not allowed, though each is.
	must(update(&streamvetv1.SourceConfig{Reconnect: &streamvetv1.ReconnectPolicy{MaxBackoff: durationpb.New(1e9)}}, 0, "reconnect.max_backoff"))
	_, err = update(&streamvetv1.SourceConfig{Reconnect: &streamvetv1.ReconnectPolicy{InitialBackoff: durationpb.New(2e9)}}, 0, "reconnect.initial_backoff")
	wantError(t, err, codes.InvalidArgument, 0)

	if s := must(update(&streamvetv1.SourceConfig{Paused: true}, 0, "paused")); s.GetStatus().GetState() != paused {
		t.Errorf("paused: %v", s)
	}
	must(update(&streamvetv1.SourceConfig{}, 0, "paused"))
	h.await("news", running)
	s = must(update(&streamvetv1.SourceConfig{Url: c.GetUrl()}, 0)) // the whole of it
	if s.GetConfig().GetLabels() != nil || s.GetConfig().GetReconnect() != nil {
		t.Errorf("all fields: %v", s)
	}
	_, err = h.sources().UpdateSource(within(t), &streamvetv1.UpdateSourceRequest{Config: &streamvetv1.SourceConfig{Name: "none", Url: c.GetUrl()}})
	wantError(t, err, codes.NotFound, streamvetv1.ErrorReason_ERROR_REASON_UNKNOWN)
}

func TestListGoesByPages(t *testing.T) {
	h := open(t, options{})
	for i := range 5 {
		h.add(&streamvetv1.SourceConfig{Name: fmt.Sprintf("s%d", i), Url: "rtsp://camera.invalid/", Paused: true, Labels: map[string]string{"odd": fmt.Sprint(i % 2)}})
	}
	names := func(f *streamvetv1.SourceFilter, size uint32) (pages []string) {
		token := ""
		for {
			r, err := h.sources().ListSources(within(t), &streamvetv1.ListSourcesRequest{Filter: f, PageSize: size, PageToken: token})
			if err != nil {
				t.Fatal(err)
			}
			page := ""
			for _, s := range r.GetSources() {
				page += s.GetConfig().GetName() + " "
			}
			pages = append(pages, strings.TrimSpace(page))
			if token = r.GetNextPageToken(); token == "" {
				return pages
			}
		}
	}
	odd := &streamvetv1.SourceFilter{Labels: map[string]string{"odd": "1"}}
	for _, c := range []struct {
		filter *streamvetv1.SourceFilter
		size   uint32
		want   string
	}{
		{nil, 0, "s0 s1 s2 s3 s4"}, {nil, 2, "s0 s1|s2 s3|s4"}, {nil, 5, "s0 s1 s2 s3 s4"}, {odd, 1, "s1|s3"}, {odd, 2, "s1 s3"},
		{&streamvetv1.SourceFilter{States: []streamvetv1.SourceState{failed}}, 0, ""},
		{&streamvetv1.SourceFilter{States: []streamvetv1.SourceState{failed, paused}}, 3, "s0 s1 s2|s3 s4"},
	} {
		if got := strings.Join(names(c.filter, c.size), "|"); got != c.want {
			t.Errorf("%v by %d: %s, want %s", c.filter, c.size, got, c.want)
		}
	}
	r, err := h.sources().ListSources(within(t), &streamvetv1.ListSourcesRequest{PageSize: 1})
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []*streamvetv1.ListSourcesRequest{
		{PageToken: r.GetNextPageToken(), Filter: odd}, {PageToken: "nonsense"}, {PageToken: r.GetNextPageToken()[:4]}, {PageToken: "????"},
	} {
		_, err := h.sources().ListSources(within(t), bad)
		wantError(t, err, codes.InvalidArgument, 0)
	}
}

func TestWatch(t *testing.T) {
	h := open(t, options{})
	h.add(&streamvetv1.SourceConfig{Name: "a", Url: "rtsp://camera.invalid/", Paused: true, Labels: map[string]string{"site": "north"}})
	h.add(&streamvetv1.SourceConfig{Name: "other", Url: "rtsp://camera.invalid/", Paused: true})
	w, err := h.sources().WatchSources(within(t), &streamvetv1.WatchSourcesRequest{Filter: &streamvetv1.SourceFilter{Labels: map[string]string{"site": "north"}}})
	if err != nil {
		t.Fatal(err)
	}
	next := func() string {
		t.Helper()
		r, err := w.Recv()
		if err != nil {
			t.Fatal(err)
		}
		switch e := r.GetEvent().(type) {
		case *streamvetv1.WatchSourcesResponse_Source:
			return "source " + e.Source.GetConfig().GetName()
		case *streamvetv1.WatchSourcesResponse_Removed:
			return "removed " + e.Removed
		}
		return "synced"
	}
	step := func(want string) {
		t.Helper()
		if got := next(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	step("source a")
	step("synced")
	h.add(&streamvetv1.SourceConfig{Name: "b", Url: "rtsp://camera.invalid/", Paused: true, Labels: map[string]string{"site": "north"}})
	step("source b")
	if _, err := h.sources().UpdateSource(within(t), &streamvetv1.UpdateSourceRequest{
		Config: &streamvetv1.SourceConfig{Name: "a"}, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"labels"}},
	}); err != nil {
		t.Fatal(err)
	}
	step("removed a") // it does not pass any more
	for _, name := range []string{"other", "b"} {
		if _, err := h.sources().RemoveSource(within(t), &streamvetv1.RemoveSourceRequest{Name: name}); err != nil {
			t.Fatal(err)
		}
	}
	step("removed b")
	_, err = h.sources().RemoveSource(within(t), &streamvetv1.RemoveSourceRequest{Name: "b"})
	wantError(t, err, codes.NotFound, streamvetv1.ErrorReason_ERROR_REASON_UNKNOWN)
	h.services.End()
	for err == nil || !strings.Contains(err.Error(), "SHUTDOWN") && !strings.Contains(err.Error(), "ends") {
		if _, err = w.Recv(); err != nil {
			wantError(t, err, codes.Unavailable, streamvetv1.ErrorReason_ERROR_REASON_SHUTDOWN)
			return
		}
	}
}

// Secrets go in and never come out; sent back hidden, they stay.
func TestSecretsStayInside(t *testing.T) {
	h := open(t, options{})
	c := &streamvetv1.SourceConfig{
		Name: "cam", Paused: true, Url: "https://user:pass-secret@media.invalid/a.m3u8?token=token-secret",
		Transport: &streamvetv1.Transport{
			HttpHeaders: map[string]string{"Authorization": "Bearer header-secret"},
			Srt:         &streamvetv1.SrtOptions{Passphrase: "phrase-secret", StreamId: "id"},
		},
	}
	s := h.add(c)
	shown := s.GetConfig()
	if shown.GetUrl() != "https://user:xxxxx@media.invalid/a.m3u8?token=xxxxx" || shown.GetTransport().GetSrt().GetStreamId() != "id" {
		t.Errorf("it is told as %v", shown)
	}
	if strings.Contains(s.String(), "secret") {
		t.Errorf("a secret is told: %v", s)
	}
	shown.Labels = map[string]string{"a": "b"}
	r, err := h.sources().UpdateSource(within(t), &streamvetv1.UpdateSourceRequest{Config: shown})
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(r.String(), "secret") {
		t.Errorf("a secret is told: %v", r)
	}
	stored, err := os.ReadFile(filepath.Join(h.dir, "registry", "sources", "cam.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"pass-secret", "token-secret", "header-secret", "phrase-secret"} {
		if !strings.Contains(string(stored), secret) {
			t.Errorf("%s was lost", secret)
		}
	}
	// Not to another host.
	shown.Url = "https://user:xxxxx@evil.invalid/a.m3u8?token=xxxxx"
	_, err = h.sources().UpdateSource(within(t), &streamvetv1.UpdateSourceRequest{Config: shown})
	wantError(t, err, codes.InvalidArgument, 0)
	_, err = h.sources().UpdateSource(within(t), &streamvetv1.UpdateSourceRequest{
		Config: &streamvetv1.SourceConfig{Name: "cam", Url: "https://evil.invalid/"}, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"url"}},
	})
	wantError(t, err, codes.InvalidArgument, 0) // the headers would go there
}
