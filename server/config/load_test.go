package config

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
)

// given is what a test gives: arguments, environment, and the text of a file.
type given struct {
	args []string
	env  []string
	file string
}

func (g given) flags(t testing.TB) *Flags {
	t.Helper()
	f := pflag.NewFlagSet("test", pflag.ContinueOnError)
	flags := AddFlags(f)
	args := g.args
	if g.file != "" {
		args = append([]string{"--config", fileOf(t, g.file)}, args...)
	}
	if err := f.Parse(args); err != nil {
		t.Fatal(err)
	}
	return flags
}

func (g given) load(t testing.TB) (*Loaded, error) {
	t.Helper()
	return g.flags(t).Load(g.env)
}

func (g given) mustLoad(t testing.TB) *Loaded {
	t.Helper()
	l, err := g.load(t)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func fileOf(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "streamvet.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// samples gives two values for a setting, neither of which is its default, as
// text and as the field holds them.
func samples(t testing.TB, s setting) (texts [2]string, values [2]any) {
	t.Helper()
	if words := strings.Fields(s.words()); len(words) > 1 {
		words = slices.DeleteFunc(words, func(w string) bool { return w == s.text() })
		other := words[len(words)-1]
		return [2]string{words[0], other}, [2]any{words[0], other}
	}
	switch s.value.Interface().(type) {
	case string:
		return [2]string{"/one", "two:2"}, [2]any{"/one", "two:2"}
	case []string:
		return [2]string{"a,b", "c"}, [2]any{[]string{"a", "b"}, []string{"c"}}
	case bool:
		if s.text() == "true" {
			return [2]string{"false", "false"}, [2]any{false, false}
		}
		return [2]string{"true", "true"}, [2]any{true, true}
	case int:
		return [2]string{"7", "9"}, [2]any{7, 9}
	case float64:
		return [2]string{"0.25", "0.125"}, [2]any{0.25, 0.125}
	case time.Duration:
		return [2]string{"7s", "2d"}, [2]any{7 * time.Second, 48 * time.Hour}
	case Bytes:
		return [2]string{"3MiB", "5kB"}, [2]any{Bytes(3 << 20), Bytes(5000)}
	}
	t.Fatalf("no samples for %s", s.name)
	return
}

// inFile writes a setting as a file has it.
func inFile(s setting, text string) string {
	if section := s.section(); section != "" {
		return section + ":\n  " + strings.TrimPrefix(s.name, section+".") + ": " + text + "\n"
	}
	return s.name + ": " + text + "\n"
}

// Every setting can be given in three ways, and the nearer one wins.
func TestEverySetting(t *testing.T) {
	defaults := Default()
	for i, s := range settings(&defaults) {
		t.Run(s.name, func(t *testing.T) {
			texts, values := samples(t, s)
			inYAML := texts[0]
			if _, list := values[0].([]string); list {
				inYAML = "[" + inYAML + "]"
			}
			env := []string{s.env() + "=" + texts[0]}
			flag := []string{"--" + s.flag() + "=" + texts[0]}
			for name, c := range map[string]struct {
				given  given
				value  any
				origin string
			}{
				"file":          {given{file: inFile(s, inYAML)}, values[0], "streamvet.yaml:"},
				"environment":   {given{env: env}, values[0], "environment " + s.env()},
				"flag":          {given{args: flag}, values[0], "flag --" + s.flag()},
				"env over file": {given{file: inFile(s, texts[1]), env: env}, values[0], "environment " + s.env()},
				"flag over env": {given{env: []string{s.env() + "=" + texts[1]}, args: flag}, values[0], "flag --" + s.flag()},
				"flag over all": {given{file: inFile(s, texts[1]), env: []string{s.env() + "=" + texts[1]}, args: flag}, values[0], "flag --" + s.flag()},
			} {
				l, err := c.given.flags(t).read(c.given.env)
				if err != nil {
					t.Errorf("%s: %v", name, err)
					continue
				}
				if got := settings(&l.Config)[i].value.Interface(); !reflect.DeepEqual(got, c.value) {
					t.Errorf("%s: %v, want %v", name, got, c.value)
				}
				if origin := l.Origin(s.name); !strings.Contains(origin, c.origin) {
					t.Errorf("%s: it comes from %q, want %q", name, origin, c.origin)
				}
			}
		})
	}
}

func TestEverySettingIsDescribed(t *testing.T) {
	c := Default()
	flags := map[string]string{}
	for _, s := range settings(&c) {
		if s.help() == "" || strings.HasSuffix(s.help(), ".") {
			t.Errorf("%s: help %q", s.name, s.help())
		}
		if other := flags[s.flag()]; other != "" {
			t.Errorf("%s and %s have the same flag", s.name, other)
		}
		flags[s.flag()] = s.name
	}
}

// The defaults are a configuration that the server takes.
func TestDefaults(t *testing.T) {
	l := given{env: []string{"HOME=/home/jo"}}.mustLoad(t)
	want := Default()
	want.State.Dir = "/var/lib/streamvet"
	if os.Getuid() != 0 {
		want.State.Dir = "/home/jo/.local/state/streamvet"
	}
	if !reflect.DeepEqual(l.Config, want) || l.Origin("grpc.address") != "default" {
		t.Errorf("got %+v", l.Config)
	}
	if l := (given{env: []string{"STATE_DIRECTORY=/run/a:/run/b"}}).mustLoad(t); l.State.Dir != "/run/a" {
		t.Errorf("systemd's state directory gives %s", l.State.Dir)
	}
}

func TestConfigFileOfEnvironment(t *testing.T) {
	path := fileOf(t, "log: {level: debug}")
	if l := (given{env: []string{"STREAMVET_CONFIG=" + path}}).mustLoad(t); l.Log.Level != "debug" || l.File != path {
		t.Errorf("got %q of %q", l.Log.Level, l.File)
	}
	if _, err := (given{env: []string{"STREAMVET_CONFIG=/nowhere/x.yaml"}}).load(t); err == nil || !strings.Contains(err.Error(), "/nowhere/x.yaml") {
		t.Errorf("a missing file gives %v", err)
	}
}

func TestUnknownEnvironment(t *testing.T) {
	_, err := given{env: []string{"STREAMVET_GRPC_ADRESS=x", "STREAMVET_LOG_ZZZZZZZZZZZZZZZZZ=x"}}.load(t)
	want := "environment STREAMVET_GRPC_ADRESS: there is no such setting: did you mean STREAMVET_GRPC_ADDRESS?\n" +
		"environment STREAMVET_LOG_ZZZZZZZZZZZZZZZZZ: there is no such setting"
	if err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
	// What Kubernetes sets for services of such names, and what tools of streamvet have.
	given{env: []string{
		"STREAMVET_GRPC_SERVICE_HOST=10.0.0.1", "STREAMVET_GRPC_SERVICE_PORT=7171", "STREAMVET_GRPC_SERVICE_PORT_API=7171",
		"STREAMVET_GRPC_PORT=tcp://10.0.0.1:7171", "STREAMVET_GRPC_PORT_7171_TCP=tcp://10.0.0.1:7171",
		"STREAMVET_GRPC_PORT_7171_TCP_ADDR=10.0.0.1", "STREAMVET_ORT_LIB=/x", "STREAMVET_FFMPEG=/x", "STREAMVET_=", "OTHER_GRPC_ADRESS=x",
	}}.mustLoad(t)
}

func TestReload(t *testing.T) {
	g := given{file: "log: {level: warn}\ngrpc: {address: '127.0.0.1:1'}\n", args: []string{"--detectors-only=black"}}
	l := g.mustLoad(t)
	if err := os.WriteFile(l.File, []byte("log: {level: debug}\ngrpc: {address: '127.0.0.1:2'}\ndetectors: {only: [freeze]}\nsources: [{name: a, url: 'udp://h:1'}]"), 0o600); err != nil {
		t.Fatal(err)
	}
	next, err := l.Reload()
	if err != nil {
		t.Fatal(err)
	}
	c := l.Until(next)
	if !slices.Equal(c.Live, []string{"log.level"}) || !slices.Equal(c.Restart, []string{"grpc.address"}) || !c.Sources {
		t.Errorf("got %+v", c) // the flag of detectors.only still wins
	}
	if c := next.Until(next); len(c.Live)+len(c.Restart) > 0 || c.Sources {
		t.Errorf("the same differs: %+v", c)
	}
	os.WriteFile(l.File, []byte("log: {level: loud}"), 0o600)
	if _, err := l.Reload(); err == nil || !strings.Contains(err.Error(), "streamvet.yaml:1: log.level") {
		t.Errorf("got %v", err)
	}
}
