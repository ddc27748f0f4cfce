package streamvetv1_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// request makes a message of the API by name, out of JSON.
func request(t testing.TB, name, json string) proto.Message {
	t.Helper()
	d, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName("streamvet.v1." + name))
	if err != nil {
		t.Fatal(err)
	}
	m := blank(t, d.(protoreflect.MessageDescriptor))
	if err := protojson.Unmarshal([]byte(json), m); err != nil {
		t.Fatalf("%s %s: %v", name, json, err)
	}
	return m
}

// faults names what is wrong with a message: "field rule", sorted.
func faults(t testing.TB, m proto.Message) (all []string) {
	t.Helper()
	err := protovalidate.Validate(m)
	var v *protovalidate.ValidationError
	if err != nil && !errors.As(err, &v) {
		t.Fatalf("%T: %v", m, err)
	}
	if err != nil {
		for _, f := range v.Violations {
			all = append(all, strings.TrimSpace(protovalidate.FieldPathString(f.Proto.GetField())+" "+f.Proto.GetRuleId()))
		}
	}
	slices.Sort(all)
	return all
}

func long(s string, n int) string { return strings.Repeat(s, n) }

// checks are messages and what is wrong with each; "" is nothing.
func checks() []struct{ message, json, want string } {
	const add, update, file = "AddSourceRequest", "UpdateSourceRequest", `"url":"file:///a"`
	return []struct{ message, json, want string }{
		{add, `{"config":{"name":"cam-1","url":"rtsp://user:pw@10.0.0.7:554/live?x=y"}}`, ""},
		{add, `{"config":{"name":"7","url":"udp://@239.1.2.3:5000"}}`, ""},
		{add, `{"config":{"name":"a","url":"srt://:9000?mode=listener"}}`, ""},
		{add, `{"config":{"name":"a","url":"https://h/größe.m3u8"}}`, ""},
		{add, `{}`, "config required"},
		{add, `{"config":{"name":"a"}}`, "add_source.url"},
		{add, `{"config":{"url":"file:///a"}}`, "config.name string.pattern"},
		{add, `{"config":{"name":"Cam",` + file + `}}`, "config.name string.pattern"},
		{add, `{"config":{"name":"-a",` + file + `}}`, "config.name string.pattern"},
		{add, `{"config":{"name":"a.b",` + file + `}}`, "config.name string.pattern"},
		{add, `{"config":{"name":"a\n",` + file + `}}`, "config.name string.pattern"},
		{add, `{"config":{"name":"` + long("a", 63) + `",` + file + `}}`, ""},
		{add, `{"config":{"name":"` + long("a", 64) + `",` + file + `}}`, "config.name string.pattern"},
		{add, `{"config":{"name":"a","url":"/etc/passwd"}}`, "config.url string.pattern"},
		{add, `{"config":{"name":"a","url":"concat:a|b"}}`, "config.url string.pattern"},
		{add, `{"config":{"name":"a","url":"gopher://h"}}`, "config.url string.pattern"},
		{add, `{"config":{"name":"a","url":"http://h/a b"}}`, "config.url string.pattern"},
		{add, `{"config":{"name":"a","url":"http://h/a\r\nb"}}`, "config.url string.pattern"},
		{add, `{"config":{"name":"a","url":"http://` + long("h", 4089) + `"}}`, ""},
		{add, `{"config":{"name":"a","url":"http://` + long("h", 4090) + `"}}`, "config.url string.max_bytes"},
		{add, `{"config":{"name":"a",` + file + `,"labels":{"site":"Köln 1","a.b/c":""}}}`, ""},
		{add, `{"config":{"name":"a",` + file + `,"labels":{"Site":"x"}}}`, `config.labels["Site"] string.pattern`},
		{add, `{"config":{"name":"a",` + file + `,"labels":{"a":"x\ny"}}}`, `config.labels["a"] string.pattern`},
		{add, `{"config":{"name":"a",` + file + `,"labels":{"a":"` + long("ö", 129) + `"}}}`, `config.labels["a"] string.max_len`},
		{add, `{"config":{"name":"a",` + file + `,"stallTimeout":"0s"}}`, "config.stall_timeout duration.gte_lte"},
		{add, `{"config":{"name":"a",` + file + `,"stallTimeout":"601s"}}`, "config.stall_timeout duration.gte_lte"},
		{add, `{"config":{"name":"a",` + file + `,"reconnect":{"initialBackoff":"0.010s","maxBackoff":"3600s","jitter":0}}}`, ""},
		{add, `{"config":{"name":"a",` + file + `,"reconnect":{"initialBackoff":"9s","maxBackoff":"8s"}}}`, "config.reconnect reconnect.max_at_least_initial"},
		{add, `{"config":{"name":"a",` + file + `,"reconnect":{"jitter":"NaN"}}}`, "config.reconnect.jitter double.gte_lte"},
		{add, `{"config":{"name":"a",` + file + `,"decoder":7}}`, "config.decoder enum.defined_only"},
		{add, `{"config":{"name":"a",` + file + `,"dropPolicy":7}}`, "config.drop_policy enum.defined_only"},
		{add, `{"config":{"name":"a",` + file + `,"transport":{"srt":{"passphrase":"0123456789","streamId":"#!::r=a","latency":"0.12s"}}}}`, ""},
		{add, `{"config":{"name":"a",` + file + `,"transport":{"srt":{"passphrase":"xxxxx"}}}}`, ""},
		{add, `{"config":{"name":"a",` + file + `,"transport":{"srt":{"passphrase":"short"}}}}`, "config.transport.srt.passphrase string.pattern"},
		{add, `{"config":{"name":"a",` + file + `,"transport":{"srt":{"latency":"11s"}}}}`, "config.transport.srt.latency duration.gte_lte"},
		{add, `{"config":{"name":"a",` + file + `,"transport":{"httpHeaders":{"Authorization":"Bearer x"}}}}`, ""},
		{add, `{"config":{"name":"a",` + file + `,"transport":{"httpHeaders":{"X":"a\r\nHost: b"}}}}`, `config.transport.http_headers["X"] string.pattern`},
		{add, `{"config":{"name":"a",` + file + `,"transport":{"httpHeaders":{"X:":"a"}}}}`, `config.transport.http_headers["X:"] string.pattern`},
		{add, `{"config":{"name":"a",` + file + `,"transport":{"udp":{"interfaceAddress":"10.0.0.1","senders":["2001:db8::1"]}}}}`, ""},
		{add, `{"config":{"name":"a",` + file + `,"transport":{"udp":{"interfaceAddress":"eth0"}}}}`, "config.transport.udp.interface_address string.ip"},
		{add, `{"config":{"name":"a",` + file + `,"transport":{"udp":{"senders":["h"]}}}}`, "config.transport.udp.senders[0] string.ip"},
		{add, `{"config":{"name":"a",` + file + `,"detection":{"include":["black"],"exclude":["hum"],"rules":[{"defect":"black","rule":{"raise":0.5,"clear":0}}]}}}`, ""},
		{add, `{"config":{"name":"a",` + file + `,"detection":{"include":["Black"]}}}`, "config.detection.include[0] string.pattern"},
		{add, `{"config":{"name":"a",` + file + `,"detection":{"include":["black","black"]}}}`, "config.detection.include repeated.unique"},
		{add, `{"config":{"name":"a",` + file + `,"detection":{"rules":[{"defect":"black"}]}}}`, "config.detection.rules[0].rule required"},
		{add, `{"config":{"name":"a",` + file + `,"detection":{"rules":[{"rule":{}}]}}}`, "config.detection.rules[0].defect string.pattern"},

		{"Rule", `{}`, ""},
		{"Rule", `{"raise":1,"clear":1,"minDuration":"0s","minScores":0,"hold":"3600s","merge":"0s","updateEvery":"0s","major":0,"critical":1}`, ""},
		{"Rule", `{"raise":0}`, "raise double.gt_lte"},
		{"Rule", `{"raise":"NaN"}`, "raise double.gt_lte"},
		{"Rule", `{"raise":0.5,"clear":0.6}`, "rule.clear_at_most_raise"},
		{"Rule", `{"clear":0.6}`, ""}, // only the detector's own rule can tell
		{"Rule", `{"hold":"-1s"}`, "hold duration.gte_lte"},
		{"Rule", `{"updateEvery":"0.05s"}`, "update_every rule.update_every"},
		{"Rule", `{"updateEvery":"0.1s"}`, ""},
		{"Rule", `{"minScores":1001}`, "min_scores uint32.lte"},

		{update, `{"config":{"name":"a","paused":true},"updateMask":"paused"}`, ""},
		{update, `{"config":{"name":"a"},"updateMask":"labels,reconnect.jitter"}`, ""},
		{update, `{"config":{"name":"a","url":"file:///b"}}`, ""},
		{update, `{"config":{"name":"a"}}`, "update_source.url"},
		{update, `{"config":{"name":"a"},"updateMask":"url"}`, "update_source.url"},
		{update, `{"config":{"name":"a"},"updateMask":"name"}`, "update_mask field_mask.in"},
		{update, `{"config":{"name":"a"},"updateMask":"labelsX"}`, "update_mask field_mask.in"},
		{"RemoveSourceRequest", `{}`, "name string.min_len"},
		{"GetSourceRequest", `{"name":"a"}`, ""},
		{"GetSourceRequest", `{}`, "name string.min_len"},
		{"ListSourcesRequest", `{"pageSize":1000,"filter":{"labels":{"site":"x"},"states":["SOURCE_STATE_FAILED"]}}`, ""},
		{"ListSourcesRequest", `{"pageSize":1001}`, "page_size uint32.lte"},
		{"ListSourcesRequest", `{"filter":{"states":[0]}}`, "filter.states[0] enum.not_in"},
		{"WatchSourcesRequest", `{"filter":{"states":[99]}}`, "filter.states[0] enum.defined_only"},

		{"FollowVerdictsRequest", `{}`, ""},
		{"FollowVerdictsRequest", `{"from":{"sequence":"1"},"journal":"j"}`, ""},
		{"FollowVerdictsRequest", `{"from":{"time":"2026-01-02T03:04:05Z"},"filter":{"minSeverity":"SEVERITY_MAJOR","states":["STATE_RAISED"]}}`, ""},
		{"FollowVerdictsRequest", `{"from":{"start":true}}`, ""},
		{"FollowVerdictsRequest", `{"from":{}}`, "from.at required"},
		{"FollowVerdictsRequest", `{"from":{"sequence":"0"}}`, "from.sequence uint64.gte"},
		{"FollowVerdictsRequest", `{"from":{"now":false}}`, "from.now bool.const"},
		{"FollowVerdictsRequest", `{"filter":{"minSeverity":9}}`, "filter.min_severity enum.defined_only"},
		{"FollowVerdictsRequest", `{"filter":{"defects":["a b"]}}`, "filter.defects[0] string.pattern"},
		{"FollowVerdictsRequest", `{"filter":{"sources":["a","a"]}}`, "filter.sources repeated.unique"},
		{"GetVerdictRequest", `{"sequence":"7"}`, ""},
		{"GetVerdictRequest", `{"source":"a","id":"b"}`, ""},
		{"GetVerdictRequest", `{}`, "get_verdict.which"},
		{"GetVerdictRequest", `{"source":"a"}`, "get_verdict.which"},
		{"GetVerdictRequest", `{"sequence":"7","id":"b"}`, "get_verdict.which"},
		{"ListVerdictsRequest", `{"since":"2026-01-02T03:04:05Z","until":"2026-01-02T03:04:06Z"}`, ""},
		{"ListVerdictsRequest", `{"since":"2026-01-02T03:04:05Z","until":"2026-01-02T03:04:05Z"}`, "list_verdicts.until_after_since"},
		{"GetEvidenceRequest", `{}`, "key string.min_len"},

		{"FollowScoresRequest", `{"source":"a","detectors":["black"],"step":"1s"}`, ""},
		{"FollowScoresRequest", `{}`, "source string.min_len"},
		{"FollowScoresRequest", `{"source":"a","step":"61s"}`, "step duration.gte_lte"},

		{"VetRequest", `{"options":{"url":"https://h/a.mp4"}}`, ""},
		{"VetRequest", `{"options":{"upload":{}}}`, ""},
		{"VetRequest", `{"options":{"upload":{"name":"../a"}}}`, "options.upload.name string.pattern"},
		{"VetRequest", `{"options":{}}`, "options.input required"},
		{"VetRequest", `{"options":{"url":""}}`, "options.url string.pattern"},
		{"VetRequest", `{"options":{"url":"pipe:0"}}`, "options.url string.pattern"},
		{"VetRequest", `{"options":{"url":"file:///a","maxDuration":"0s"}}`, "options.max_duration duration.gt"},
		{"VetRequest", `{"chunk":"AA=="}`, ""},
		{"VetRequest", `{"chunk":""}`, "chunk bytes.min_len"},
		{"VetRequest", `{"chunk":"` + long("AAAA", 1048576/3+1) + `"}`, "chunk bytes.max_len"},
		{"VetRequest", `{}`, "part required"},

		{"LoadDetectorRequest", `{"path":"staging/v2.1/blur"}`, ""},
		{"LoadDetectorRequest", `{"path":"blur","shadow":true}`, ""},
		{"LoadDetectorRequest", `{"path":"../blur"}`, "path string.pattern"},
		{"LoadDetectorRequest", `{"path":"/blur"}`, "path string.pattern"},
		{"LoadDetectorRequest", `{"path":"a//blur"}`, "path string.pattern"},
		{"LoadDetectorRequest", `{}`, "path string.pattern"},
		{"UnloadDetectorRequest", `{"name":"blur"}`, ""},
		{"UnloadDetectorRequest", `{}`, "name string.pattern"},
		{"CompareShadowRequest", `{"name":"blur","tallyEvery":"0.5s"}`, "tally_every duration.gte_lte"},
	}
}

func TestValidation(t *testing.T) {
	for _, c := range checks() {
		got := strings.Join(faults(t, request(t, c.message, c.json)), ", ")
		if got != c.want {
			t.Errorf("%s %s:\n got %q\nwant %q", c.message, c.json[:min(len(c.json), 200)], got, c.want)
		}
	}
}

// A request that may hold anything is one whose rules were forgotten.
func TestEveryRequestCanBeRefused(t *testing.T) {
	for _, m := range methods() {
		name := string(m.Input().Name())
		refused := slices.ContainsFunc(checks(), func(c struct{ message, json, want string }) bool {
			return c.message == name && c.want != ""
		})
		if !refused && m.Input().Fields().Len() > 0 {
			t.Errorf("%s: no example of one that is refused", name)
		}
	}
}
