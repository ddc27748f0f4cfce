package engine

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/streamvet/streamvet/"

// arrows says which rooms a room may import. A room that is not named here has
// no place in the house yet: give it one, in docs/architecture.md too.
var arrows = map[string][]string{
	"bench":                     {"bench/gpucheck", "engine", "engine/measure/sound", "engine/media", "engine/verdict", "models", "proto/streamvet/v1"},
	"bench/gpucheck":            {"engine", "engine/device", "engine/device/cpu", "engine/device/cuda", "engine/frame", "engine/infer", "engine/measure/sound", "engine/media", "engine/verdict", "models", "proto/streamvet/v1"},
	"cmd/streamvet":             {"cmd/streamvet/evalpage", "cmd/streamvet/report", "engine", "engine/device/cpu", "engine/device/cuda", "engine/eval", "engine/infer", "engine/inject", "engine/measure/sound", "engine/media", "engine/trial", "engine/verdict", "models", "proto/streamvet/v1", "server", "server/access", "server/client", "server/config"},
	"cmd/streamvet/evalpage":    {"cmd/streamvet/report", "engine/eval", "engine/verdict"},
	"cmd/streamvet/report":      {"engine", "engine/measure/sound", "engine/media", "engine/verdict", "models", "proto/streamvet/v1"},
	"engine":                    {"engine/batch", "engine/device", "engine/device/cpu", "engine/device/cuda", "engine/excerpt", "engine/frame", "engine/infer", "engine/measure", "engine/measure/sound", "engine/media", "engine/verdict", "models", "proto/streamvet/v1"},
	"engine/batch":              {},
	"engine/device":             {"engine/frame"},
	"engine/device/conformance": {"engine/device", "engine/device/cpu", "engine/device/kernels", "engine/frame"},
	"engine/device/cpu":         {"engine/device", "engine/device/kernels", "engine/frame"},
	"engine/device/cuda":        {"engine/device", "engine/device/kernels", "engine/frame"},
	"engine/device/cuda/double": {}, // for tests alone: no other room may name it here
	"engine/device/kernels":     {"engine/device", "engine/frame"},
	"engine/eval":               {"engine/inject", "engine/verdict"},
	"engine/excerpt":            {"engine/frame"},
	"engine/frame":              {},
	"engine/infer":              {"engine/device", "engine/frame"},
	"engine/infer/double":       {"engine/device", "engine/frame"},
	"engine/inject":             {"engine/verdict", "spelling"},
	"engine/measure":            {"engine/frame", "engine/verdict"},
	"engine/measure/sound":      {"engine/frame", "engine/measure", "engine/verdict"},
	"engine/media":              {"engine/frame"},
	"engine/trial":              {"engine", "engine/infer", "engine/measure/sound", "engine/verdict", "models", "proto/streamvet/v1"},
	"engine/verdict":            {},
	"models":                    {"engine/device", "engine/frame", "engine/verdict", "plainyaml", "spelling"},
	"plainyaml":                 {},
	"proto/streamvet/v1":        {},
	"spelling":                  {},
	"scripts/trimcuda":          {},
	"server":                    {"engine", "models", "proto/streamvet/v1", "server/access", "server/api", "server/config", "server/journal", "server/metrics", "server/reach", "server/registry", "server/traces"},
	"server/access":             {"proto/streamvet/v1", "server/config"},
	"server/config":             {"plainyaml", "proto/streamvet/v1", "server/reach", "spelling"},
	"server/api":                {"engine", "engine/device", "engine/media", "engine/measure/sound", "engine/verdict", "models", "proto/streamvet/v1", "server/journal", "server/reach", "server/registry"},
	"server/client":             {"proto/streamvet/v1"},
	"server/journal":            {"proto/streamvet/v1"},
	"server/livetest":           {}, // tests alone
	"server/metrics":            {"engine", "engine/device", "proto/streamvet/v1", "server/config", "server/journal", "server/registry"},
	"server/reach":              {},
	"server/registry":           {"engine", "engine/media", "engine/measure/sound", "engine/verdict", "models", "proto/streamvet/v1", "server/journal", "server/reach"},
	"server/traces":             {"engine", "proto/streamvet/v1", "server/config", "server/registry"},
}

// onlyImporters says which rooms alone may import what is foreign and heavy.
var onlyImporters = map[string][]string{
	"github.com/asticode/go-astiav":            {"engine/media"},
	"github.com/yalue/onnxruntime_go":          {"engine/infer"},
	"github.com/goccy/go-yaml":                 {"plainyaml"},
	"github.com/goccy/go-yaml/ast":             {"plainyaml"},
	"google.golang.org/protobuf/proto":         {"cmd/streamvet", "proto/streamvet/v1", "server/access", "server/api", "server/config", "server/journal", "server/registry"},
	"gorgonia.org/cu":                          {"engine/device/cuda"},
	"github.com/NVIDIA/go-nvml/pkg/nvml":       {"engine/device/cuda"},
	"go.opentelemetry.io/otel/sdk/trace":       {"server/traces"},
	"github.com/nats-io/nats-server/v2/server": {"server/journal"},
	"github.com/nats-io/nats.go":               {"server/journal"},
	"github.com/nats-io/nats.go/jetstream":     {"server/journal"},
	"C":                                        {"engine/media", "engine/infer", "engine/infer/double", "engine/device/cpu", "engine/device/cuda", "engine/device/kernels", "engine/device/conformance", "engine/device/cuda/double"},
}

func TestImportsFollowTheArrows(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, module+"...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for _, line := range strings.Split(strings.TrimSpace(string(out)), "\n") {
		words := strings.Fields(line)
		room := strings.TrimPrefix(words[0], module)
		allowed, known := arrows[room]
		if !known {
			t.Errorf("%s is a room without a place in arrows", room)
		}
		for _, imported := range words[1:] {
			if ours, ok := strings.CutPrefix(imported, module); ok && !slices.Contains(allowed, ours) {
				t.Errorf("%s must not import %s", room, ours)
			}
			if only, ok := onlyImporters[imported]; ok && !slices.Contains(only, room) {
				t.Errorf("%s must not import %s: only %v may", room, imported, only)
			}
		}
	}
}
