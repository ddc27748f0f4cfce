package config

import (
	"flag"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the shipped example and the reference in the docs anew")

const (
	exampleFile = "../../deploy/streamvet.yaml"
	docsFile    = "../../docs/serve.md"
)

const exampleHead = `# Configuration of ` + "`streamvet serve`" + `, as --config FILE. Everything here has a default, which
# is what stands behind the "#": take the "#" away to change it. Flags and the environment
# have the same names: --grpc-address, STREAMVET_GRPC_ADDRESS. See docs/serve.md.
# ` + "`streamvet serve --config FILE --print-config`" + ` shows what is in force.
`

const exampleTail = `
# Sources that this file owns; clients add others. They change when the file does, at once.
# Fields are those of SourceConfig in proto/streamvet/v1/source.proto.
#sources:
#  - name: north-gate
#    url: rtsp://viewer:secret@10.0.7.21/live
#    labels: {site: north, kind: gate}
#    stall_timeout: 10s
#    reconnect: {initial_backoff: 500ms, max_backoff: 30s}
#    transport: {rtsp: tcp}
#    detection:
#      exclude: [loudness]
#      rules:
#        - {defect: black, rule: {min_duration: 5s}}
#  - name: channel-4
#    url: udp://239.1.2.4:5000
#    transport: {udp: {interface_address: 10.0.7.1, receive_buffer_bytes: 8388608}}
`

// example writes the file that is shipped.
func example() string {
	var b strings.Builder
	b.WriteString(exampleHead)
	c := Default()
	c.State.Dir = "/var/lib/streamvet"
	section := ""
	for _, s := range settings(&c) {
		indent := ""
		if s.section() != "" {
			indent = "  "
		}
		if s.section() != section {
			section = s.section()
			fmt.Fprintf(&b, "\n%s:\n", section)
		} else if section == "" {
			b.WriteString("\n")
		}
		fmt.Fprintf(&b, "%s# %s\n%s#%s: %s\n", indent, s.help()+alternatives(s), indent, strings.TrimPrefix(s.name, section+"."), s.yaml())
	}
	return b.String() + exampleTail
}

func alternatives(s setting) string {
	if words := s.words(); words != "" {
		return " (" + strings.ReplaceAll(words, " ", ", ") + ")"
	}
	return ""
}

// golden compares a file with what it should be, or writes it.
func golden(t *testing.T, path, want string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s is not what the settings are: go test ./server/config -update", path)
	}
}

// The example is what the settings are; as it is it says nothing, and without its
// "#" it says every default.
func TestShippedExample(t *testing.T) {
	golden(t, exampleFile, example())
	text, err := os.ReadFile(exampleFile)
	if err != nil {
		t.Fatal(err)
	}
	env := []string{"STATE_DIRECTORY=/var/lib/streamvet"}
	asShipped := given{file: string(text), env: env}.mustLoad(t)
	if len(asShipped.origins) > 0 || len(asShipped.Sources) > 0 {
		t.Errorf("as it is shipped it says %v, %v", asShipped.origins, asShipped.Sources)
	}
	whole := regexp.MustCompile(`(?m)^( *)#([a-z_]+:| )`).ReplaceAllStringFunc(string(text), func(line string) string {
		if strings.HasSuffix(line, "# ") && !strings.HasPrefix(line, "# ") { // a sentence above a setting
			return line
		}
		return strings.Replace(line, "#", "", 1)
	})
	whole = regexp.MustCompile(`(?m)^ [A-Za-z`+"`"+`].*$`).ReplaceAllString(whole, "") // sentences at the margin
	taken := given{file: whole, env: env}.mustLoad(t)
	c := Default()
	if n := len(settings(&c)); len(taken.origins) != n {
		t.Errorf("without its \"#\" it says %d of %d settings", len(taken.origins), n)
	}
	if len(taken.Sources) != 2 {
		t.Errorf("without its \"#\" it has the sources %v", taken.Sources)
	}
	taken.Sources = nil
	if !reflect.DeepEqual(taken.Config, asShipped.Config) {
		t.Errorf("without its \"#\" it says\n%v\nand with them\n%v", taken, asShipped)
	}
}

// reference is the table of settings in the docs.
func reference() string {
	var b strings.Builder
	b.WriteString("| setting | default | what it is |\n|---|---|---|\n")
	c := Default()
	for _, s := range settings(&c) {
		def := "`" + s.yaml() + "`"
		if s.yaml() == `""` || s.yaml() == "[]" {
			def = ""
		}
		help := s.help() + alternatives(s)
		if s.live() {
			help += "; changes while the server runs"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", s.name, def, strings.ReplaceAll(help, "|", "\\|"))
	}
	return b.String()
}

func TestReferenceInDocs(t *testing.T) {
	text, err := os.ReadFile(docsFile)
	if err != nil {
		t.Fatal(err)
	}
	const begin, end = "<!-- settings: go test ./server/config -update -->\n", "<!-- end of settings -->"
	before, rest, ok1 := strings.Cut(string(text), begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok1 || !ok2 {
		t.Fatalf("%s has no place for the table of settings", docsFile)
	}
	golden(t, docsFile, before+begin+reference()+end+after)
}
