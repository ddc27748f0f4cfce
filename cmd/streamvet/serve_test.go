package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestServeTellsHowItIsUsed(t *testing.T) {
	streamvet(t, "serve", "--help").want(t, exitClean, "--grpc-address text", "--config file", "STREAMVET_GRPC_ADDRESS", "Exit code: 0 ended as asked")
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"serve", "--grpc-adress=x"}, "unknown flag: --grpc-adress"},
		{[]string{"serve", "news"}, `"news" is no flag`},
		{[]string{"serve", "--limits-vets=many"}, `"many" is no whole number`},
		{[]string{"serve", "--grpc-address=:7171"}, "there is no TLS: set tls.cert and tls.key"},
		{[]string{"serve", "--config=/nowhere.yaml"}, "/nowhere.yaml"},
	} {
		streamvet(t, c.args...).want(t, exitConfig, c.want, "streamvet serve --help tells how it is used")
	}
}

func TestServePrintsItsConfiguration(t *testing.T) {
	t.Setenv("STREAMVET_LOG_LEVEL", "debug")
	path := written(t, "streamvet.yaml", []byte("journal:\n  url: nats://jo:s3cret@nats.example\n"))
	o := streamvet(t, "serve", "--config", path, "--limits-vets=9", "--print-config")
	o.want(t, exitClean, "  level: debug", "# environment STREAMVET_LOG_LEVEL", "  vets: 9 ", "# flag --limits-vets", "nats://xxxxx@nats.example", "# "+path+":2")
	if strings.Contains(o.out, "s3cret") {
		t.Errorf("a secret is printed:\n%s", o.out)
	}
}

func TestTokenNew(t *testing.T) {
	o := streamvet(t, "token", "new", "--name", "desk", "--role", "operate", "--expires", "90d")
	words := strings.Fields(o.err)
	if o.code != exitClean || !strings.HasPrefix(o.out, "svt_") || len(words) != 4 || words[0] != "desk" || words[1] != "operate" {
		t.Fatal(o)
	}
	until, err := time.Parse(time.RFC3339, words[2])
	if left := time.Until(until); err != nil || left < 89*24*time.Hour || left > 91*24*time.Hour {
		t.Errorf("it ends at %s", words[2])
	}
	streamvet(t, "token", "new", "--name", "desk").want(t, exitClean, "desk read never ")
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"token"}, "write streamvet token new --name NAME"},
		{[]string{"token", "old"}, "write streamvet token new --name NAME"},
		{[]string{"token", "new"}, `"" is no name`},
		{[]string{"token", "new", "--name=a b"}, `"a b" is no name`},
		{[]string{"token", "new", "--name=a", "--role=admin"}, `"admin" is neither read nor operate`},
		{[]string{"token", "new", "--name=a", "--expires=soon"}, `--expires "soon" is no time`},
		{[]string{"token", "new", "--name=a", "--expires=0d"}, `--expires "0d" is no time`},
		{[]string{"token", "new", "--name=a", "--expires=90days"}, `--expires "90days" is no time`},
		{[]string{"token", "new", "--name=a", "--expires=2020-01-01T00:00:00Z"}, "has passed"},
	} {
		streamvet(t, c.args...).want(t, exitTrouble, c.want)
	}
}

// served is a `streamvet serve` in a process of its own.
type served struct {
	cmd  *exec.Cmd
	log  *bufio.Scanner // its log, JSON
	http string
	grpc string
}

func startServer(t testing.TB, args ...string) *served {
	t.Helper()
	all := append([]string{"serve", "--state-dir", filepath.Join(t.TempDir(), "state"), "--grpc-address=127.0.0.1:0", "--http-address=127.0.0.1:0",
		"--engine-device=cpu", "--detectors-only=black", "--journal-min-free=0"}, args...)
	cmd := exec.Command(os.Args[0], all...)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	out, err := cmd.StderrPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill() })
	s := &served{cmd: cmd, log: bufio.NewScanner(out)}
	line := s.await(t, "serving")
	s.http, s.grpc = fmt.Sprint(line["http"]), fmt.Sprint(line["api"])
	return s
}

// await reads the log up to a message.
func (s *served) await(t testing.TB, message string) map[string]any {
	t.Helper()
	for s.log.Scan() {
		var line map[string]any
		if err := json.Unmarshal(s.log.Bytes(), &line); err != nil {
			t.Fatalf("the log is not JSON: %s", s.log.Text())
		}
		if strings.HasPrefix(fmt.Sprint(line["msg"]), message) {
			return line
		}
	}
	t.Fatalf("the log ends without %q", message)
	return nil
}

// wait waits for the end, and gives how it came.
func (s *served) wait() syscall.WaitStatus {
	for s.log.Scan() {
	}
	s.cmd.Wait()
	return s.cmd.ProcessState.Sys().(syscall.WaitStatus)
}

func TestServeEndsClean(t *testing.T) {
	for _, signal := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		s := startServer(t)
		s.cmd.Process.Signal(signal)
		s.await(t, "ended")
		if status := s.wait(); !status.Exited() || status.ExitStatus() != exitClean {
			t.Errorf("after %v it ends with %v", signal, s.cmd.ProcessState)
		}
	}
}

func TestServeReadsFilesAgainOnHangup(t *testing.T) {
	path := written(t, "streamvet.yaml", []byte("log: {level: info}\n"))
	s := startServer(t, "--config", path)
	if err := os.WriteFile(path, []byte("log: {level: info}\nlimits: {vets: 7}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.cmd.Process.Signal(syscall.SIGHUP)
	if line := s.await(t, "a changed setting needs a restart"); line["setting"] != "limits.vets" {
		t.Errorf("got %v", line)
	}
	s.cmd.Process.Signal(os.Interrupt)
	if status := s.wait(); status.ExitStatus() != exitClean {
		t.Errorf("it ends with %v", s.cmd.ProcessState)
	}
}

// While a clean end waits for a request, a second interrupt ends at once.
func TestSecondInterruptEndsAtOnce(t *testing.T) {
	s := startServer(t, "--shutdown-timeout=10m")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	profile := func(seconds int) int {
		q, err := http.NewRequestWithContext(ctx, "GET", fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%d", s.http, seconds), nil)
		if err != nil {
			return 0
		}
		p, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(q)
		if err != nil {
			return 0
		}
		p.Body.Close()
		return p.StatusCode
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for profile(500) == http.StatusInternalServerError { // another one is under way
		}
	}()
	for profile(1) != http.StatusInternalServerError { // until the one above is
	}
	s.cmd.Process.Signal(os.Interrupt)
	s.await(t, "ending")
	s.cmd.Process.Signal(os.Interrupt)
	if status := s.wait(); status.ExitStatus() != exitInterrupted {
		t.Errorf("it ends with %v", s.cmd.ProcessState)
	}
	cancel()
	<-done
}

func TestServeThatCannotStart(t *testing.T) {
	o := process(t, "X=1", "serve", "--state-dir=/proc/none", "--engine-device=cpu")
	o.want(t, exitFailed, "make the state directory", `"level":"ERROR"`)
}
