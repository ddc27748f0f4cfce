package server

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"github.com/streamvet/streamvet/server/config"
)

// The unit starts the program with flags that it has, gives it the time that it
// needs to end, and systemd takes it.
func TestSystemdUnit(t *testing.T) {
	text, err := os.ReadFile("../deploy/streamvet.service")
	if err != nil {
		t.Fatal(err)
	}
	value := func(name string) string {
		m := regexp.MustCompile(`(?m)^` + name + `=(.*)$`).FindSubmatch(text)
		if m == nil {
			t.Fatalf("the unit has no %s", name)
		}
		return string(m[1])
	}
	words := strings.Fields(value("ExecStart"))
	f := pflag.NewFlagSet("serve", pflag.ContinueOnError)
	config.AddFlags(f)
	if err := f.Parse(words[2:]); err != nil || words[1] != "serve" || f.NArg() > 0 {
		t.Errorf("ExecStart=%s: %v", words, err)
	}
	stop, err := time.ParseDuration(value("TimeoutStopSec"))
	if least := config.Default().Shutdown.Timeout + 2*closing; err != nil || stop < least {
		t.Errorf("TimeoutStopSec=%v: at least %v are needed", stop, least)
	}
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Log("systemd-analyze is not installed: the unit was not verified")
		return
	}
	unit := filepath.Join(t.TempDir(), "streamvet.service")
	write(t, unit, strings.ReplaceAll(string(text), words[0], "/bin/true"))
	if out, err := exec.Command(analyze, "verify", "--man=no", unit).CombinedOutput(); err != nil || strings.Contains(string(out), "streamvet.service:") {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
}
