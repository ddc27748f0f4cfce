package server

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

// detectors lists the names of those in force.
func (r *running) detectors() string {
	r.t.Helper()
	l, err := streamvetv1.NewDetectorServiceClient(r.dial()).ListDetectors(r.t.Context(), &streamvetv1.ListDetectorsRequest{})
	if err != nil {
		r.t.Fatal(err)
	}
	var names []string
	for _, d := range l.Detectors {
		names = append(names, d.Name)
	}
	return strings.Join(names, " ")
}

// A changed file is taken up: what can change at run time changes, the rest is
// told, and a file with faults changes nothing.
func TestConfigurationIsReadAgain(t *testing.T) {
	s := setting{file: "detectors: {only: [black]}\nlog: {level: debug}\n"}.start(t)
	rewrite := func(text string) {
		t.Helper()
		write(t, s.file+".new", text)
		if err := os.Rename(s.file+".new", s.file); err != nil {
			t.Fatal(err)
		}
		s.hangup <- syscall.SIGHUP
	}
	logs := func(text string) func() bool {
		return func() bool { return strings.Contains(s.log.String(), text) }
	}
	rewrite("detectors: {only: [freeze, silence]}\nlog: {level: warn}\nlimits: {vets: 7}\n")
	s.eventually("detectors change", func() bool { return s.detectors() == "freeze silence" })
	s.eventually("the level changes", func() bool { return s.level.Level() == slog.LevelWarn })
	s.eventually("the rest is told", logs(`msg="a changed setting needs a restart" setting=limits.vets origin=`+s.file+":3"))

	rewrite("detectors: {onyl: [black]}\n")
	s.eventually("a fault is told", logs("streamvet.yaml:1: detectors.onyl: there is no such setting: did you mean only?"))
	rewrite("detectors: {only: [blak]}\n")
	s.eventually("a name that is none is told", logs(`detectors: there is no detector \"blak\"`))
	if got := s.detectors(); got != "freeze silence" {
		t.Errorf("after faults these run: %s", got)
	}
	rewrite("detectors: {without: [black]}\n")
	s.eventually("it goes on after faults", func() bool { return strings.Count(s.detectors(), " ") > 10 })
}

// Kubernetes exchanges what a link leads to. Nobody sends a signal.
func TestConfigurationBehindALink(t *testing.T) {
	s := setting{file: "log: {level: debug}\n"}
	l := s.load(t)
	dir := t.TempDir()
	for _, d := range []string{"..1", "..2"} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	link := func(to string) {
		t.Helper()
		os.Remove(filepath.Join(dir, "new"))
		if err := os.Symlink(to, filepath.Join(dir, "new")); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(filepath.Join(dir, "new"), filepath.Join(dir, "..data")); err != nil {
			t.Fatal(err)
		}
	}
	write(t, filepath.Join(dir, "..1", "streamvet.yaml"), "log: {level: debug}\n")
	write(t, filepath.Join(dir, "..2", "streamvet.yaml"), "log: {level: error}\n")
	link("..1")
	if err := os.Remove(l.File); err != nil {
		t.Fatal(err)
	}
	s.args = []string{"--config", filepath.Join(dir, "..data", "streamvet.yaml")}
	r := s.start(t)
	link("..2")
	r.eventually("the level changes", func() bool { return r.level.Level() == slog.LevelError })
}

// A fault of keys or tokens is told once, not every two seconds.
func TestComplaints(t *testing.T) {
	tokens := filepath.Join(t.TempDir(), "tokens")
	write(t, tokens, "")
	s := setting{args: []string{"--auth-tokens", tokens}}.start(t)
	write(t, tokens, "garbage")
	said := func() int { return strings.Count(s.log.String(), "keys and tokens stay as they were") }
	read := func(times int) {
		t.Helper()
		before := strings.Count(s.log.String(), "as asked")
		for i := range times {
			s.hangup <- syscall.SIGHUP
			s.eventually("the files are read", func() bool { return strings.Count(s.log.String(), "as asked") > before+i })
		}
	}
	read(3)
	s.eventually("it is told", func() bool { return said() == 1 })
	read(2)
	write(t, tokens, "")
	read(2)
	write(t, tokens, "garbage")
	read(3)
	s.eventually("it is told again", func() bool { return said() == 2 })
}

// Sources of the file come, change and go with it; clients cannot touch them.
func TestSourcesOfTheFile(t *testing.T) {
	clip := blackClip(t)
	roots := "reach: {roots: [" + filepath.Dir(clip) + "]}\nlog: {level: debug}\n"
	film := func(name, more string) string {
		return "  - {name: " + name + ", url: 'file://" + clip + "'" + more + "}\n"
	}
	s := setting{file: roots + "sources:\n" + film("a", "") + film("b", "") + "  - {name: c, url: 'file:///etc/passwd'}\n"}.start(t)
	client := streamvetv1.NewSourceServiceClient(s.dial())
	list := func() string {
		t.Helper()
		l, err := client.ListSources(t.Context(), &streamvetv1.ListSourcesRequest{})
		if err != nil {
			t.Fatal(err)
		}
		var all []string
		for _, x := range l.Sources {
			one := x.Config.Name
			if x.FromFile {
				one += "*"
			}
			if site := x.Config.Labels["site"]; site != "" {
				one += "=" + site
			}
			all = append(all, one)
		}
		return strings.Join(all, " ")
	}
	if got := list(); got != "a* b*" {
		t.Errorf("from the file there are %q", got)
	}
	if !strings.Contains(s.log.String(), "source c: ") {
		t.Errorf("a source that may not be read is not told:\n%s", s.log)
	}
	_, err := client.RemoveSource(t.Context(), &streamvetv1.RemoveSourceRequest{Name: "a"})
	if status.Code(err) != codes.FailedPrecondition {
		t.Errorf("a client removes a source of the file: %v", err)
	}
	if _, err := client.AddSource(t.Context(), &streamvetv1.AddSourceRequest{Config: &streamvetv1.SourceConfig{Name: "d", Url: "file://" + clip}}); err != nil {
		t.Fatal(err)
	}
	write(t, s.file, roots+"sources:\n"+film("a", ", labels: {site: north}")+film("d", "")+film("e", ""))
	s.hangup <- syscall.SIGHUP
	s.eventually("the sources change", func() bool { return list() == "a*=north d e*" })
	s.eventually("the taken name is told", func() bool { return strings.Contains(s.log.String(), "source d: it was added over the API") })
	write(t, s.file, roots)
	s.hangup <- syscall.SIGHUP
	s.eventually("the sources go", func() bool { return list() == "d" })
}
