package config

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

// Every fault is told with its line, its setting, and the remedy.
func TestBadFiles(t *testing.T) {
	const source = "sources:\n  - name: a\n    url: udp://h:1\n"
	for name, c := range map[string]struct{ file, want string }{
		"unknown setting":         {"log:\n  level: info\n  levle: info\n", `:3: log.levle: there is no such setting: did you mean level?`},
		"cut short":               {"grpc:\n  addr: x\n", ":2: grpc.addr: there is no such setting: did you mean address?"},
		"unknown section":         {"grcp:\n  address: x\n", ":1: grcp: there is no such setting: did you mean grpc?"},
		"nothing like it":         {"zzzzzzzzz: 1\n", ":1: zzzzzzzzz: there is no such setting"},
		"in another section":      {"log:\n  max_age: 7d\n", ":2: log.max_age: there is no such setting: did you mean journal.max_age?"},
		"without its section":     {"max_age: 7d\n", ":1: max_age: there is no such setting: did you mean journal.max_age?"},
		"sources misspelt":        {"source:\n  - name: a\n", ":1: source: there is no such setting: did you mean sources?"},
		"a word that is none":     {"log: {level: loud}\n", `:1: log.level: "loud" is none of debug, info, warn, error`},
		"a number that is none":   {"grpc:\n\n  max_connections: many\n", `:3: grpc.max_connections: "many" is no whole number that fits`},
		"a number out of range":   {"limits: {vets: 99999999999}\n", `:1: limits.vets: "99999999999" is no whole number that fits`},
		"a switch that is none":   {"insecure: yes\n", `:1: insecure: "yes" is neither true nor false`},
		"a duration without unit": {"shutdown: {timeout: 30}\n", `:1: shutdown.timeout: "30" is no duration: write it as 30s, 1h30m or 7d`},
		"an amount that is none":  {"journal: {max_bytes: 1.5GiB}\n", `:1: journal.max_bytes: "1.5GiB" is no amount: write it as 64MiB`},
		"not a number":            {"engine: {decoder_share: .nan}\n", `engine.decoder_share: ".nan" is no number`},
		"a list for a value":      {"log: {level: [info]}\n", ":1: log.level: one value is needed"},
		"fields for a list":       {"detectors: {only: {a: b}}\n", ":1: detectors.only: a list is needed"},
		"lists in a list":         {"detectors: {only: [[a]]}\n", ":1: detectors.only: a list of plain values is needed"},
		"nothing for a value":     {"log:\n  level:\n", ":2: log.level: it has no value: write one, or take the line away"},
		"a value for a section":   {"log: info\n", `:1: fields are needed here, as in "name: value"`},
		"a list for all":          {"- log\n", `:1: fields are needed here`},
		"text for all":            {"log\n", `:1: fields are needed here`},
		"twice":                   {"log:\n  level: info\n  level: info\n", ":3: it is not YAML"},
		"section twice":           {"log: {level: info}\nlog: {level: info}\n", ":2: it is not YAML"},
		"not YAML":                {"log: {level: info\n", "it is not YAML"},
		"two documents":           {"log: {level: info}\n---\nlog: {level: info}\n", "it holds 2 documents: it must be one"},
		"anchors":                 {"log: &a {level: info}\n", ":1: anchors, aliases and merges are not taken"},
		"tags":                    {"log: !!map {level: info}\n", ":1: tags, directives and complex keys are not taken"},
		"several at once":         {"log: {level: loud}\nlimits: {vets: x}\n", `:2: limits.vets: "x" is no whole number`},

		"sources are no list":       {"sources: {name: a}\n", ":1: sources: a list is needed"},
		"a source is text":          {"sources: [a]\n", `:1: fields are needed here`},
		"unknown field":             {source + "    labls: {a: b}\n", ":4: sources[0].labls: there is no such field: did you mean labels?"},
		"unknown field deep inside": {source + "    transport:\n      srt: {latncy: 1s}\n", ":5: sources[0].transport.srt.latncy: there is no such field: did you mean latency?"},
		"no URL":                    {"sources:\n  - name: a\n", ":2: sources[0].url: it is missing"},
		"a bad name":                {"sources:\n  - url: udp://h:1\n    name: Camera 1\n", ":3: sources[0].name: "},
		"the same name":             {source + "  - name: a\n    url: udp://h:2\n", `:4: sources[1].name: "a" is the name of the source in line 2 already`},
		"a bad URL":                 {"sources:\n  - name: a\n    url: gopher://h\n", ":3: sources[0].url: "},
		"a duration of a source":    {source + "    stall_timeout: 10\n", ":4: sources[0].stall_timeout: a duration is needed, as 500ms, 30s or 1h"},
		"a duration out of range":   {source + "    stall_timeout: 1h\n", ":4: sources[0].stall_timeout: "},
		"an enum":                   {source + "    transport: {rtsp: carrier-pigeon}\n", ":4: sources[0].transport.rtsp: one of tcp, udp is needed"},
		"a switch":                  {source + "    paused: 1\n", ":4: sources[0].paused: true or false is needed"},
		"a count":                   {source + "    reconnect: {max_attempts: -1}\n", ":4: sources[0].reconnect.max_attempts: a whole number is needed"},
		"a share":                   {source + "    reconnect: {jitter: 2}\n", ":4: sources[0].reconnect.jitter: "},
		"a rule":                    {source + "    detection:\n      rules:\n        - defect: black\n          rule: {raise: 0.2, clear: 0.5}\n", ":7: sources[0].detection.rules[0].rule: clear must not be above raise"},
		"labels are a list":         {source + "    labels: [a]\n", ":4: fields are needed here"},
		"lists in labels":           {source + "    labels: {a: [b]}\n", `:4: sources[0].labels["a"]: one value is needed`},
		"a value for a list":        {source + "    detection: {include: black}\n", ":4: sources[0].detection.include: a list is needed"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := given{file: c.file}.load(t)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v\nwant %s", err, c.want)
			}
		})
	}
}

func TestOddFiles(t *testing.T) {
	for name, file := range map[string]string{
		"nothing":           " ",
		"comments":          "# nothing\n",
		"empty sections":    "log:\njournal: {}\nsources:\n",
		"no sources":        "sources: []\n",
		"a byte order mark": "\ufefflog: {level: info}\n",
		"Windows":           "log:\r\n  level: info\r\n",
		"no end of line":    "log: {level: info}",
		"quotes":            "grpc: {max_connections: '4096', address: \"127.0.0.1:7171\"}\n",
		"one for a list":    "detectors:\n  only: black\n",
		"an empty list":     "detectors:\n  only:\n",
	} {
		t.Run(name, func(t *testing.T) { given{file: file}.mustLoad(t) })
	}
}

func TestHostileFiles(t *testing.T) {
	for name, c := range map[string]struct{ file, want string }{
		"deep lists":     {"a: " + strings.Repeat("[", 100_000), "it is nested too deep"},
		"deep maps":      {strings.Repeat("{a: ", 100_000), "it is nested too deep"},
		"deep entries":   {strings.Repeat("- ", 100_000) + "a", "it is nested too deep"},
		"deep lines":     {stairs(2000), "indented by more than 128 columns"},
		"many words":     {"log: {level: [" + strings.Repeat("a,", maxWords) + "]}", "it has more than 400000 words"},
		"large":          {strings.Repeat("#", maxFileBytes+1), "it is larger than 4MiB"},
		"billion laughs": {"a: &a [x,x]\nb: &b [*a,*a]\n", "anchors, aliases and merges are not taken"},
		"nulls":          {"log\x00: {level: info}\n", ""},
		"control":        {"\x1b[31mlog: {level: info}\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := given{file: c.file}.load(t)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
			if err != nil && (len(err.Error()) > 2000 || strings.ContainsAny(err.Error(), "\x1b\x00")) {
				t.Errorf("the error is not for people: %.100q", err)
			}
		})
	}
}

// stairs nests a field in every line.
func stairs(lines int) string {
	var b strings.Builder
	for i := range lines {
		b.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return b.String()
}

func TestFilesThatAreNone(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{pipe, t.TempDir(), "/dev/zero", filepath.Join(t.TempDir(), "missing.yaml")} {
		if _, err := (given{args: []string{"--config", path}}).load(t); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: got %v", path, err)
		}
	}
}

// A source of the file is one of the API, field by field.
func TestSources(t *testing.T) {
	l := given{file: `
sources:
  - name: news
    url: rtsp://jo:secret@camera.example/live?key=abc
    labels: {site: north, "team/shift": "2"}
    detection:
      include: [black, freeze]
      exclude: [loudness]
      rules:
        - defect: black
          detector: black
          rule: {raise: 0.5, clear: 0.25, min_duration: 5s, min_scores: 3, hold: 500ms, update_every: 0s, major: 0}
    reconnect: {initial_backoff: 100ms, max_backoff: 1m, jitter: 0, max_attempts: 5}
    stall_timeout: 20s
    transport:
      rtsp: udp
      srt: {mode: SRT_MODE_LISTENER, latency: 200ms, stream_id: x, passphrase: "0123456789"}
      udp: {interface_address: 10.0.0.1, senders: [10.0.0.2, 10.0.0.3], receive_buffer_bytes: 65536}
      http_headers: {Authorization: Bearer abc}
    decoder: software
    paused: true
    drop_policy: wait
  - {name: b, url: "udp://239.0.0.1:1234"}
`}.mustLoad(t)
	want := &streamvetv1.SourceConfig{}
	if err := protojson.Unmarshal([]byte(`{
		"name": "news", "url": "rtsp://jo:secret@camera.example/live?key=abc", "labels": {"site": "north", "team/shift": "2"},
		"detection": {"include": ["black", "freeze"], "exclude": ["loudness"], "rules": [{"defect": "black", "detector": "black",
			"rule": {"raise": 0.5, "clear": 0.25, "minDuration": "5s", "minScores": 3, "hold": "0.5s", "updateEvery": "0s", "major": 0}}]},
		"reconnect": {"initialBackoff": "0.1s", "maxBackoff": "60s", "jitter": 0, "maxAttempts": 5}, "stallTimeout": "20s",
		"transport": {"rtsp": "RTSP_TRANSPORT_UDP", "srt": {"mode": "SRT_MODE_LISTENER", "latency": "0.2s", "streamId": "x", "passphrase": "0123456789"},
			"udp": {"interfaceAddress": "10.0.0.1", "senders": ["10.0.0.2", "10.0.0.3"], "receiveBufferBytes": 65536}, "httpHeaders": {"Authorization": "Bearer abc"}},
		"decoder": "DECODER_SOFTWARE", "paused": true, "dropPolicy": "DROP_POLICY_WAIT"}`), want); err != nil {
		t.Fatal(err)
	}
	if len(l.Sources) != 2 || !proto.Equal(l.Sources[0], want) || l.Sources[1].Name != "b" {
		t.Errorf("got %v", l.Sources)
	}
	// What is printed is a file that says the same, but for the secrets.
	printed := l.String()
	for _, secret := range []string{"secret", "abc", "0123456789"} {
		if strings.Contains(printed, secret) {
			t.Errorf("the secret %q is printed:\n%s", secret, printed)
		}
	}
	again := given{file: printed}.mustLoad(t)
	if !proto.Equal(again.Sources[0], maskSource(want)) || !proto.Equal(again.Sources[1], l.Sources[1]) {
		t.Errorf("printed and read again it is\n%v\nnot\n%v", again.Sources[0], maskSource(want))
	}
}

// What is printed says what is in force: read again it is the same.
func TestPrint(t *testing.T) {
	g := given{
		file: "grpc:\n  address: '[::1]:7171'\njournal: {url: 'nats://jo:secret@a:4222,nats://token@b:4222', max_age: 7d}\nreach: {roots: ['/a b', \"/c'd\"]}\n",
		env:  []string{"STREAMVET_LOG_LEVEL=debug"}, args: []string{"--limits-vets", "9", "--engine-full-precision"},
	}
	l := g.mustLoad(t)
	printed := l.String()
	for _, want := range []string{
		"  address: \"[::1]:7171\"                       # " + l.File + ":2\n",
		"  level: debug                                # environment STREAMVET_LOG_LEVEL\n",
		"  vets: 9                                     # flag --limits-vets\n",
		"  full_precision: true                        # flag --engine-full-precision\n",
		"  min_free: 64MiB                             # default\n",
		`url: "nats://xxxxx@a:4222,nats://xxxxx@b:4222"`,
		`roots: ["/a b", "/c'd"]`,
	} {
		if !strings.Contains(printed, want) {
			t.Errorf("it does not print %q:\n%s", want, printed)
		}
	}
	if strings.Contains(printed, "secret") || strings.Contains(printed, "token@") {
		t.Errorf("a secret is printed:\n%s", printed)
	}
	again := given{file: printed}.mustLoad(t)
	again.Journal.URL = l.Journal.URL
	if c := l.Until(again); len(c.Live)+len(c.Restart) > 0 {
		t.Errorf("read again %v differ", c)
	}
}

// No error tells what it found where a secret may stand.
func TestErrorsHoldNoSecret(t *testing.T) {
	for name, file := range map[string]string{
		"a URL that is none":      "sources: [{name: a, url: 'rtsp:/jo:s3cret@h'}]\n",
		"a header of two lines":   "sources: [{name: a, url: 'http://h', transport: {http_headers: {A: \"s3cret\\n\"}}}]\n",
		"a short passphrase":      "sources: [{name: a, url: 'srt://h:1', transport: {srt: {passphrase: s3cret}}}]\n",
		"a URL for a duration":    "sources: [{name: a, url: 'udp://h:1', stall_timeout: 'rtsp://jo:s3cret@h'}]\n",
		"a URL as a field":        "sources: [{name: a, 'rtsp://jo:s3cret@h': x}]\n",
		"a URL that is not YAML":  "sources:\n- name: a\n  url: \"rtsp://jo:s3cret@h\n",
		"a URL that is not YAML2": "sources:\n- name: a\n  url: rtsp://jo:s3cret@h: x: y\n",
		"a URL as the name":       "sources: [{name: 'rtsp://jo:s3cret@h', url: 'udp://h:1'}]\n",
	} {
		_, err := given{file: file}.load(t)
		if err == nil {
			t.Errorf("%s: it is taken", name)
		} else if strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: the error holds the secret: %v", name, err)
		}
	}
}

func FuzzFile(f *testing.F) {
	f.Add("log: {level: info}\n")
	f.Add("sources:\n  - name: a\n    url: udp://h:1\n    labels: {a: b}\n    stall_timeout: 10s\n")
	f.Add("reach: {roots: [/a, \"/b\"]}\njournal:\n  max_age: 7d # a week\n  url: |\n    nats://a\n")
	f.Add("- {a: [b, &c d, *c, !!x y]}\n? k\n: v\n---\n")
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text string) {
		path := filepath.Join(dir, "fuzz.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		l, err := given{args: []string{"--config", path}}.load(t)
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("%d bytes took %v", len(text), took)
		}
		if err != nil {
			return
		}
		if _, err := (given{file: l.String()}).load(t); err != nil {
			t.Errorf("what is printed is not taken: %v\n%s", err, l)
		}
	})
}
