package api

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

// methods are those of all services, by name.
func methods() (all []protoreflect.MethodDescriptor) {
	protoregistry.GlobalFiles.RangeFilesByPackage("streamvet.v1", func(f protoreflect.FileDescriptor) bool {
		for i := range f.Services().Len() {
			for j := range f.Services().Get(i).Methods().Len() {
				all = append(all, f.Services().Get(i).Methods().Get(j))
			}
		}
		return true
	})
	slices.SortFunc(all, func(a, b protoreflect.MethodDescriptor) int {
		return strings.Compare(string(a.FullName()), string(b.FullName()))
	})
	return all
}

func message(d protoreflect.MessageDescriptor) proto.Message {
	t, err := protoregistry.GlobalTypes.FindMessageByName(d.FullName())
	if err != nil {
		panic(err)
	}
	return t.New().Interface()
}

// nowhere is a resolver that knows nobody.
type nowhere struct{}

func (nowhere) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
}

// seeds are requests, by the name of their message, that get far.
var seeds = map[string][]string{
	"AddSourceRequest":      {`{"config":{"name":"a","url":"rtsp://u:p@camera.invalid/x?y=z","labels":{"a":"b"},"paused":true}}`, `{"config":{"name":"b","url":"file:///none"}}`},
	"UpdateSourceRequest":   {`{"config":{"name":"a","paused":true,"detection":{"exclude":["x"]}},"updateMask":"paused,detection,reconnect.jitter"}`, `{"config":{"name":"a","url":"srt://h:1","transport":{"srt":{"passphrase":"xxxxx"}}}}`},
	"RemoveSourceRequest":   {`{"name":"b"}`},
	"GetSourceRequest":      {`{"name":"a"}`},
	"ListSourcesRequest":    {`{"pageSize":1,"filter":{"states":["SOURCE_STATE_PAUSED"]}}`, `{"pageToken":"AAAA"}`},
	"WatchSourcesRequest":   {`{"filter":{"labels":{"a":"b"}}}`},
	"FollowVerdictsRequest": {`{"from":{"start":true}}`, `{"from":{"sequence":"2"},"journal":"x","filter":{"minSeverity":"SEVERITY_MAJOR"}}`, `{"from":{"time":"2026-01-01T00:00:00Z"}}`},
	"GetVerdictRequest":     {`{"sequence":"1"}`, `{"source":"news","id":"v1"}`},
	"ListVerdictsRequest":   {`{"since":"2026-01-01T00:00:00Z","pageSize":2}`, `{"filter":{"sources":["news"]}}`},
	"GetEvidenceRequest":    {`{"key":"a/b"}`},
	"FollowScoresRequest":   {`{"source":"a","step":"0.2s"}`},
	"VetRequest":            {`{"options":{"url":"http://media.invalid/a"}}`, `{"options":{"upload":{"name":"a.ts"}}}`, `{"chunk":"R0AAEA=="}`},
	"LoadDetectorRequest":   {`{"path":"black","shadow":true}`, `{"path":"staging/none"}`},
	"UnloadDetectorRequest": {`{"name":"black"}`},
	"CompareShadowRequest":  {`{"name":"black","tallyEvery":"1s"}`},
}

// Whatever a caller sends, the server says what is wrong with it or does it: it
// neither falls over nor blames itself.
func FuzzAPI(f *testing.F) {
	all := methods()
	for i, m := range all {
		texts := seeds[string(m.Input().Name())]
		for _, text := range append(texts, "{}") {
			r := message(m.Input())
			if err := protojson.Unmarshal([]byte(text), r); err != nil {
				f.Fatalf("%s: %v", m.FullName(), err)
			}
			b, err := proto.Marshal(r)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(uint8(i), b)
		}
	}
	h := open(f, options{
		sources: 8, folder: f.TempDir(), resolver: nowhere{},
		deny: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")},
	})
	h.fill("news", 1, 3)
	f.Fuzz(func(t *testing.T, which uint8, body []byte) {
		m := all[int(which)%len(all)]
		r := message(m.Input())
		if proto.Unmarshal(body, r) != nil {
			return
		}
		if err := h.send(t.Context(), m, r); status.Code(err) == codes.Internal || status.Code(err) == codes.Unknown || status.Code(err) == codes.Unimplemented {
			t.Errorf("%s %v: %v", m.FullName(), r, err)
		}
	})
}

// send makes a call, and takes what comes for a moment.
func (h *house) send(ctx context.Context, m protoreflect.MethodDescriptor, r proto.Message) error {
	patience := 2 * time.Second
	if m.IsStreamingServer() { // what comes at once
		patience = 100 * time.Millisecond
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	path := fmt.Sprintf("/%s/%s", m.Parent().FullName(), m.Name())
	if !m.IsStreamingServer() {
		return h.conn.Invoke(ctx, path, r, message(m.Output()))
	}
	stream, err := h.conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: m.IsStreamingClient()}, path)
	if err != nil {
		return err
	}
	if v, ok := r.(*streamvetv1.VetRequest); ok && v.GetOptions().GetUpload() != nil {
		stream.SendMsg(r)
		r = &streamvetv1.VetRequest{Part: &streamvetv1.VetRequest_Chunk{Chunk: []byte("G no media at all")}}
	}
	stream.SendMsg(r)
	stream.CloseSend()
	for range 3 {
		if err = stream.RecvMsg(message(m.Output())); err != nil {
			break
		}
	}
	cancel() // it may go on for ever
	for stream.RecvMsg(message(m.Output())) == nil {
	}
	if err != nil && err.Error() == "EOF" {
		return nil
	}
	return err
}
