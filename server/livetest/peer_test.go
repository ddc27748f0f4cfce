package livetest

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// peer is a program at the other end of a source.
type peer struct {
	cmd  *exec.Cmd
	done chan struct{}
}

// log keeps what a peer says, for the report of a test that failed.
type log struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *log) tail() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.b.Bytes()
	return string(b[max(0, len(b)-2000):])
}

// run starts a program; it ends with the test at the latest.
func run(t *testing.T, program string, args ...string) *peer {
	t.Helper()
	said := &log{}
	p := &peer{cmd: exec.Command(program, args...), done: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = said, said
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.done)
		p.cmd.Wait()
	}()
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("%s %s said:\n%s", program, strings.Join(args, " "), said.tail())
		}
	})
	return p
}

// sender is FFmpeg playing a clip at its own pace.
func sender(t *testing.T, clip string, out ...string) *peer {
	t.Helper()
	return run(t, "ffmpeg", append([]string{"-v", "warning", "-nostdin", "-y", "-re", "-stream_loop", "-1", "-i", clip, "-c", "copy"}, out...)...)
}

// nginx serves the folder that it gives, and takes RTMP.
func nginx(t *testing.T, httpPort, rtmpPort int) (dir string, p *peer) {
	t.Helper()
	dir = t.TempDir()
	text, err := os.ReadFile("testdata/nginx.conf")
	if err != nil {
		t.Fatal(err)
	}
	fill := strings.NewReplacer("MODULE", rtmpModule, "DIR", dir, "HTTP_PORT", strconv.Itoa(httpPort), "RTMP_PORT", strconv.Itoa(rtmpPort))
	conf := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(conf, []byte(fill.Replace(string(text))), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir, run(t, nginxProgram, "-p", dir, "-c", conf)
}

// pause lets the program stand still, with its connections open.
func (p *peer) pause() { p.cmd.Process.Signal(syscall.SIGSTOP) }

func (p *peer) goOn() { p.cmd.Process.Signal(syscall.SIGCONT) }

// kill ends the program as a crash would, and waits until it is gone.
func (p *peer) kill() {
	p.cmd.Process.Kill()
	<-p.done
}

// handedOut are the ports of this run: two tests must not get the same one.
var handedOut sync.Map

// freePort is one for TCP and UDP, even, with the next one free too, as RTP wants it.
func freePort(t *testing.T) int {
	t.Helper()
	for range 1000 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		port := l.Addr().(*net.TCPAddr).Port &^ 1
		l.Close()
		if _, taken := handedOut.LoadOrStore(port, true); !taken && isFree(port) && isFree(port+1) {
			return port
		}
	}
	t.Fatal("no free port")
	return 0
}

func isFree(port int) bool {
	at := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	l, err := net.Listen("tcp", at)
	if err != nil {
		return false
	}
	l.Close()
	c, err := net.ListenPacket("udp", at)
	if err != nil {
		return false
	}
	return c.Close() == nil
}

// awaitListener waits until somebody listens at a port, for peers that call only once.
func awaitListener(t *testing.T, port int) {
	t.Helper()
	for late := time.Now().Add(patience); time.Now().Before(late); {
		c, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			c.Close()
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("nobody listens at port %d", port)
}
