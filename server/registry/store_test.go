package registry

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

func opened(t testing.TB, dir string) *store {
	t.Helper()
	s, err := openStore(dir, quiet)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func closed(t testing.TB, s *store) {
	t.Helper()
	if err := s.close(); err != nil {
		t.Error(err)
	}
}

// What is saved is there again, readable for its user alone.
func TestStoreKeepsRecords(t *testing.T) {
	dir := t.TempDir()
	s := opened(t, dir)
	r := newRecord(&streamvetv1.SourceConfig{Name: "news", Url: "rtsp://u:secret@camera/", Labels: map[string]string{"site": "north"}}, true, time.Now())
	for _, one := range []*record{r, newRecord(&streamvetv1.SourceConfig{Name: "gone"}, false, time.Now())} {
		if err := s.save(one); err != nil {
			t.Fatal(err)
		}
	}
	next := r.with(&streamvetv1.SourceConfig{Name: "news", Url: "rtsp://other/"}, time.Now().Add(time.Hour))
	if err := errors.Join(s.save(next), s.remove("gone"), s.remove("never there")); err != nil {
		t.Fatal(err)
	}
	closed(t, s)
	for _, path := range []string{"sources/news.json", "epochs", "version", "lock"} {
		if info, err := os.Stat(filepath.Join(dir, path)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "sources", "draft.json.new"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	s = opened(t, dir)
	defer closed(t, s)
	all := s.records()
	if len(all) != 1 || !proto.Equal(all[0].Config, next.Config) || all[0].Revision != 2 || !all[0].FromFile ||
		!all[0].Created.Equal(r.Created) || !all[0].Updated.Equal(next.Updated) {
		t.Errorf("read %+v", all)
	}
}

func TestStoreRefuses(t *testing.T) {
	dir := t.TempDir()
	s := opened(t, dir)
	if _, err := openStore(dir, quiet); !errors.Is(err, ErrLocked) {
		t.Errorf("twice: %v", err)
	}
	closed(t, s)
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	refused := func(what, want string) {
		t.Helper()
		s, err := openStore(dir, quiet)
		if err == nil {
			closed(t, s)
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", what, err, want)
		}
	}
	for what, text := range map[string]string{"cut": `{"config": {"name": "a"`, "wrong": `{"config": {"name": "a", "what": 1}}`, "of another": `{"config": {"name": "b"}}`} {
		write("sources/a.json", text)
		refused(what, "sources/a.json")
	}
	if err := os.Remove(filepath.Join(dir, "sources", "a.json")); err != nil {
		t.Fatal(err)
	}
	write("version", "nonsense")
	refused("no version", "does not say a version")
	write("version", `{"format":99}`)
	refused("newer", ErrNewer.Error())
}

func TestEpochsGoOn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "epochs")
	open := func(names ...string) *epochs {
		t.Helper()
		e, err := openEpochs(path, names, quiet)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	e := open()
	var group sync.WaitGroup
	for i := range 20 { // they share their syncs
		group.Go(func() {
			for n := range 10 {
				if err := e.use(fmt.Sprintf("s%d", i), n+1); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	e.close()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	f.WriteString("s3 99 00000000\ns4 11") // damaged, and cut off
	f.Close()
	e = open("s1")
	for i := range 20 {
		if n := e.of(fmt.Sprintf("s%d", i)); n != 10 {
			t.Errorf("s%d is at %d", i, n)
		}
	}
	if n := e.of("new"); n != 0 {
		t.Errorf("a new one is at %d", n)
	}
	if err := e.use("s4", 11); err != nil {
		t.Fatal(err)
	}
	e.close()
	if n := open().of("s4"); n != 11 {
		t.Errorf("s4 is at %d", n)
	}
}

// The log stays small, and names that are gone are forgotten in their order.
func TestEpochsAreBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "epochs")
	e, err := openEpochs(path, nil, quiet)
	if err != nil {
		t.Fatal(err)
	}
	defer e.close()
	e.of("kept")
	if err := e.use("kept", 7); err != nil {
		t.Fatal(err)
	}
	for i := range epochsKept + 500 {
		name := fmt.Sprintf("s%d", i)
		e.note(name, 1)
		e.free(name)
	}
	if err := e.rewrite(); err != nil {
		t.Fatal(err)
	}
	if e.last["kept"] != 7 || e.last["s0"] != 0 || e.last["s499"] != 0 || e.last["s500"] != 1 || len(e.last) != epochsKept+1 {
		t.Errorf("%d are kept", len(e.last))
	}
	e.size = epochsBytes + 1
	if err := e.use("kept", 8); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Size() > epochsBytes {
		t.Errorf("%v, %v", info.Size(), err)
	}
}

// epochsChild uses one epoch after the other and says which, until it is killed.
func epochsChild(dir string) int {
	s, err := openStore(dir, quiet)
	if err != nil {
		fmt.Println("error", err)
		return 1
	}
	for n := s.epochs.of("news") + 1; ; n++ {
		if err := s.epochs.use("news", n); err != nil {
			fmt.Println("error", err)
			return 1
		}
		fmt.Println(n)
	}
}

// Killed at any moment, an epoch that was used is never used again.
func TestEpochsSurviveKill(t *testing.T) {
	dir := t.TempDir()
	last := 0
	for round := range 5 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), childOf+"="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for i := 0; lines.Scan(); i++ {
			var n int
			if _, err := fmt.Sscan(lines.Text(), &n); err != nil {
				t.Fatal(lines.Text())
			}
			if n <= last {
				t.Fatalf("round %d: epoch %d comes after %d", round, n, last)
			}
			if last = n; i == 20*round {
				cmd.Process.Kill()
			}
		}
		cmd.Wait()
	}
}
