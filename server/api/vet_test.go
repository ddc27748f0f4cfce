package api

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/durationpb"

	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

type vetClient = grpc.BidiStreamingClient[streamvetv1.VetRequest, streamvetv1.VetResponse]

// vetted is what came out of a call of Vet.
type vetted struct {
	media    *streamvetv1.MediaInfo
	verdicts []*streamvetv1.Verdict
	progress []*streamvetv1.VetProgress
	summary  *streamvetv1.VetSummary
}

// vet sends options and the chunks of data, and takes all that comes.
func (h *house) vet(o *streamvetv1.VetOptions, data []byte) (vetted, error) {
	h.t.Helper()
	c := h.beginVet(within(h.t), o)
	go func() {
		for chunk := range chunks(data) {
			if c.Send(&streamvetv1.VetRequest{Part: &streamvetv1.VetRequest_Chunk{Chunk: chunk}}) != nil {
				return
			}
		}
		c.CloseSend()
	}()
	return outcome(h.t, c)
}

func (h *house) beginVet(ctx context.Context, o *streamvetv1.VetOptions) vetClient {
	h.t.Helper()
	c, err := h.vets().Vet(ctx)
	if err != nil {
		h.t.Fatal(err)
	}
	if err := c.Send(&streamvetv1.VetRequest{Part: &streamvetv1.VetRequest_Options{Options: o}}); err != nil {
		h.t.Fatal(err)
	}
	return c
}

func chunks(data []byte) func(func([]byte) bool) {
	return func(yield func([]byte) bool) {
		for len(data) > 0 {
			n := min(len(data), 64<<10)
			if !yield(data[:n]) {
				return
			}
			data = data[n:]
		}
	}
}

func outcome(t testing.TB, c vetClient) (v vetted, err error) {
	t.Helper()
	for n := 0; ; n++ {
		r, err := c.Recv()
		if errors.Is(err, io.EOF) {
			if v.summary == nil {
				t.Error("no summary came")
			}
			return v, nil
		}
		if err != nil {
			return v, err
		}
		if v.summary != nil || (n == 0) != (r.GetMedia() != nil) {
			t.Errorf("message %d is %v: media comes first, the summary last", n, r)
		}
		switch e := r.GetEvent().(type) {
		case *streamvetv1.VetResponse_Media:
			v.media = e.Media
		case *streamvetv1.VetResponse_Verdict:
			v.verdicts = append(v.verdicts, e.Verdict)
		case *streamvetv1.VetResponse_Progress:
			v.progress = append(v.progress, e.Progress)
		case *streamvetv1.VetResponse_Summary:
			v.summary = e.Summary
		}
	}
}

func uploaded(name string) *streamvetv1.VetOptions {
	return &streamvetv1.VetOptions{Input: &streamvetv1.VetOptions_Upload{Upload: &streamvetv1.Upload{Name: name}}}
}

func url(u string) *streamvetv1.VetOptions {
	return &streamvetv1.VetOptions{Input: &streamvetv1.VetOptions_Url{Url: u}}
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// check holds what came out against what blackAfter put in.
func (v vetted) check(t *testing.T, err error, source string) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if len(v.verdicts) != 2 || v.verdicts[0].GetState() != streamvetv1.State_STATE_RAISED || v.verdicts[1].GetState() != streamvetv1.State_STATE_CLEARED {
		t.Fatalf("found %v", v.verdicts)
	}
	if f := v.verdicts[0]; f.GetDefect() != "black" || f.GetSource() != source || f.GetStart().AsDuration() != time.Second || len(f.GetEvidence().GetData()) == 0 || f.GetEpoch() != 0 {
		t.Errorf("raised: %v", f)
	}
	if s := v.summary; s.GetByDefect()["black"] != 1 || s.GetProgress().GetFrames() != 150 || s.GetCut() || s.GetProgress().GetRaised() != 1 || s.GetProgress().GetOpen() != 0 {
		t.Errorf("the summary is %v", s)
	}
	if len(v.media.GetTracks()) != 1 {
		t.Errorf("media: %v", v.media)
	}
}

func TestVetAnUpload(t *testing.T) {
	h := open(t, options{})
	ts := blackAfter(t, h.files, "1")
	data := read(t, ts)
	v, err := h.vet(uploaded("film.ts"), data)
	v.check(t, err, "film.ts")
	if got := v.summary.GetProgress().GetReceivedBytes(); got != uint64(len(data)) {
		t.Errorf("%d bytes came of %d", got, len(data))
	}
	for name, flags := range map[string][]string{"index last": nil, "index first": {"-movflags", "+faststart"}, "fragments": {"-movflags", "+frag_keyframe+empty_moov"}} {
		t.Run(name, func(t *testing.T) {
			mp4 := clip(t, t.TempDir(), "film.mp4", append([]string{"-i", ts, "-c:v", "mpeg4", "-q:v", "3"}, flags...)...)
			v, err := h.vet(uploaded("film.mp4"), read(t, mp4))
			v.check(t, err, "film.mp4")
		})
	}
	// Nothing of it is kept.
	if s := h.journal.State(); s.Records != 0 {
		t.Errorf("the journal has %d records", s.Records)
	}
}

func TestVetAURL(t *testing.T) {
	h := open(t, options{allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}})
	path := blackAfter(t, h.files, "1")
	v, err := h.vet(url("file://"+path), nil)
	v.check(t, err, "file://"+path)
	s := httptest.NewServer(http.FileServer(http.Dir(h.files)))
	defer s.Close()
	v, err = h.vet(url(s.URL+"/black.ts?token=secret"), nil)
	v.check(t, err, s.URL+"/black.ts?token=xxxxx")
}

func TestVetNoMoreThanWasAskedFor(t *testing.T) {
	h := open(t, options{detectors: []string{"black", "freeze"}})
	o := uploaded("film.ts")
	o.MaxDuration = durationpb.New(2 * time.Second)
	o.ProgressEvery = durationpb.New(100 * time.Millisecond)
	o.Detection = &streamvetv1.Detection{Include: []string{"black"}}
	v, err := h.vet(o, read(t, blackAfter(t, h.files, "1")))
	if err != nil {
		t.Fatal(err)
	}
	if s := v.summary; !s.GetCut() || s.GetProgress().GetPosition().AsDuration() < 2*time.Second || s.GetProgress().GetFrames() != 50 || s.GetByDefect()["black"] != 1 {
		t.Errorf("the summary is %v", s)
	}
	if n := len(v.verdicts); n != 2 || v.verdicts[1].GetState() != streamvetv1.State_STATE_CLEARED {
		t.Errorf("found %v", v.verdicts)
	}
}

func TestVetIsRefused(t *testing.T) {
	h := open(t, options{limits: Limits{UploadBytes: 1 << 20, IndexLastBytes: 100_000}})
	ts := blackAfter(t, h.files, "1")
	data := read(t, ts)
	mp4 := read(t, clip(t, t.TempDir(), "film.mp4", "-i", ts, "-c:v", "mpeg4", "-q:v", "3"))
	large := uploaded("large.ts")
	large.GetUpload().SizeBytes = 1<<20 + 1
	unknown := uploaded("film.ts")
	unknown.Detection = &streamvetv1.Detection{Include: []string{"black", "none"}}
	for name, c := range map[string]struct {
		options *streamvetv1.VetOptions
		data    []byte
		code    codes.Code
		reason  streamvetv1.ErrorReason
	}{
		"not media":        {uploaded("film.ts"), bytes.Repeat([]byte("no media "), 5000), codes.InvalidArgument, streamvetv1.ErrorReason_ERROR_REASON_MEDIA},
		"empty":            {uploaded("film.ts"), nil, codes.InvalidArgument, streamvetv1.ErrorReason_ERROR_REASON_MEDIA},
		"said to be large": {large, data, codes.ResourceExhausted, streamvetv1.ErrorReason_ERROR_REASON_SIZE},
		"too large":        {uploaded("film.ts"), bytes.Repeat(data, 1+(1<<20)/len(data)), codes.ResourceExhausted, streamvetv1.ErrorReason_ERROR_REASON_SIZE},
		"index too late":   {uploaded("film.mp4"), mp4, codes.ResourceExhausted, streamvetv1.ErrorReason_ERROR_REASON_SIZE},
		"unknown detector": {unknown, data, codes.InvalidArgument, 0},
		"no such file":     {url("file://" + h.files + "/none.ts"), nil, codes.NotFound, streamvetv1.ErrorReason_ERROR_REASON_UNKNOWN},
		"outside":          {url("file:///etc/passwd"), nil, codes.PermissionDenied, streamvetv1.ErrorReason_ERROR_REASON_ADDRESS},
		"metadata":         {url("http://169.254.169.254/"), nil, codes.PermissionDenied, streamvetv1.ErrorReason_ERROR_REASON_ADDRESS},
		"localhost":        {url("http://localhost:1/"), nil, codes.PermissionDenied, streamvetv1.ErrorReason_ERROR_REASON_ADDRESS},
		"nobody there":     {url("http://nobody.invalid/"), nil, codes.Unavailable, streamvetv1.ErrorReason_ERROR_REASON_INPUT},
		"no input":         {&streamvetv1.VetOptions{}, nil, codes.InvalidArgument, 0},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := h.vet(c.options, c.data)
			wantError(t, err, c.code, c.reason)
		})
	}
}

func TestVetOutOfOrder(t *testing.T) {
	h := open(t, options{})
	chunk := &streamvetv1.VetRequest{Part: &streamvetv1.VetRequest_Chunk{Chunk: read(t, blackAfter(t, h.files, "1"))[:188*100]}}
	c, err := h.vets().Vet(within(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Send(chunk); err != nil {
		t.Fatal(err)
	}
	_, err = c.Recv()
	wantError(t, err, codes.InvalidArgument, 0)

	c = h.beginVet(within(t), uploaded("film.ts"))
	c.Send(chunk)
	c.Send(&streamvetv1.VetRequest{Part: &streamvetv1.VetRequest_Options{Options: uploaded("film.ts")}})
	_, err = outcome(t, c)
	wantError(t, err, codes.InvalidArgument, 0)

	c, err = h.vets().Vet(within(t))
	if err != nil {
		t.Fatal(err)
	}
	c.CloseSend()
	_, err = c.Recv()
	wantError(t, err, codes.InvalidArgument, 0)
}

// Calls that end leave no work behind; those that wait are counted.
func TestVetEndsWithItsCall(t *testing.T) {
	h := open(t, options{limits: Limits{Vets: 1}})
	data := read(t, blackAfter(t, h.files, "1"))
	ctx, cancel := context.WithCancel(within(t))
	c := h.beginVet(ctx, uploaded("film.ts"))
	for chunk := range chunks(data) { // and no end of it
		if err := c.Send(&streamvetv1.VetRequest{Part: &streamvetv1.VetRequest_Chunk{Chunk: chunk}}); err != nil {
			t.Fatal(err)
		}
	}
	if r, err := c.Recv(); err != nil || r.GetMedia() == nil {
		t.Fatalf("%v, %v", r, err)
	}
	_, err := h.vet(uploaded("film.ts"), data)
	wantError(t, err, codes.ResourceExhausted, streamvetv1.ErrorReason_ERROR_REASON_CAPACITY)
	cancel()
	for {
		if v, err := h.vet(uploaded("film.ts"), data); err == nil {
			v.check(t, err, "film.ts")
			break
		}
	}
	c = h.beginVet(within(t), uploaded("film.ts"))
	c.Send(&streamvetv1.VetRequest{Part: &streamvetv1.VetRequest_Chunk{Chunk: data}})
	if r, err := c.Recv(); err != nil || r.GetMedia() == nil {
		t.Fatalf("%v, %v", r, err)
	}
	h.services.End()
	_, err = outcome(t, unfirst{c})
	wantError(t, err, codes.Unavailable, streamvetv1.ErrorReason_ERROR_REASON_SHUTDOWN)
}

// unfirst is a call whose media was taken already.
type unfirst struct{ vetClient }

func (u unfirst) Recv() (*streamvetv1.VetResponse, error) {
	for {
		r, err := u.vetClient.Recv()
		if err != nil {
			return nil, err
		}
		if r.GetProgress() != nil || r.GetVerdict() != nil {
			continue
		}
		return r, err
	}
}

func TestIndexComesLast(t *testing.T) {
	box := func(kind string, size int) string {
		return fmt.Sprintf("%c%c%c%c%s", size>>24, size>>16&255, size>>8&255, size&255, kind)
	}
	for name, c := range map[string]struct {
		text string
		want bool
	}{
		"mdat first":   {box("ftyp", 16) + "isomisom" + box("mdat", 100), true},
		"moov first":   {box("ftyp", 16) + "isomisom" + box("moov", 100), false},
		"QuickTime":    {box("wide", 8) + box("mdat", 100), true},
		"free between": {box("ftyp", 8) + box("free", 12) + "abcd" + box("mdat", 0), true},
		"cut":          {box("ftyp", 100) + "isom", false},
		"zero":         {box("ftyp", 0), false},
		"no MP4":       {"G@00 transport stream", false},
		"nothing":      {"", false},
	} {
		if got := indexComesLast([]byte(c.text)); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
