package streamvetv1_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

const page = "../../../docs/api.md"

func readPage(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var (
	call    = regexp.MustCompile(`(?s)grpcurl -plaintext (?:-d '([^']*)' |-d @ )?(?:\\\n *)?[0-9.:]+ streamvet\.v1\.(\w+)/(\w+)`)
	mask    = regexp.MustCompile(`"update_mask": \{"paths": \[("\w+")\]\}`) // as grpcurl wants it
	example = regexp.MustCompile("(?s)```json (\\w+)\n(.*?)```")
)

// The lines of the page name methods that there are, with requests that pass, and
// every method has a line.
func TestCallsOfThePage(t *testing.T) {
	text, shown := readPage(t), map[protoreflect.FullName]bool{}
	calls := call.FindAllStringSubmatch(text, -1)
	if n := strings.Count(text, "grpcurl -plaintext "); len(calls) != n {
		t.Fatalf("understood %d of %d calls", len(calls), n)
	}
	for _, c := range calls {
		body, name := c[1], protoreflect.FullName("streamvet.v1."+c[2]+"."+c[3])
		d, err := protoregistry.GlobalFiles.FindDescriptorByName(name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		shown[name] = true
		if body == "" && strings.Contains(c[0], "-d @") {
			continue
		}
		if body == "" {
			body = "{}"
		}
		input := d.(protoreflect.MethodDescriptor).Input().Name()
		body = mask.ReplaceAllString(body, `"update_mask": $1`)
		if f := faults(t, request(t, string(input), body)); len(f) > 0 {
			t.Errorf("%s %s: %v", name, body, f)
		}
	}
	for _, m := range methods() {
		if !shown[m.FullName()] {
			t.Errorf("%s has no line in %s", m.FullName(), page)
		}
	}
}

func TestExamplesOfThePage(t *testing.T) {
	examples := example.FindAllStringSubmatch(readPage(t), -1)
	if len(examples) == 0 {
		t.Fatal("found none")
	}
	for _, e := range examples {
		if f := faults(t, request(t, e[1], e[2])); len(f) > 0 {
			t.Errorf("%s: %v", e[1], f)
		}
	}
}

func TestReasonsOfThePage(t *testing.T) {
	text := readPage(t)
	for n, name := range streamvetv1.ErrorReason_name {
		if word := "`" + strings.TrimPrefix(name, "ERROR_REASON_") + "`"; n > 0 && !strings.Contains(text, word) {
			t.Errorf("%s is not in the table of errors", word)
		}
	}
}
