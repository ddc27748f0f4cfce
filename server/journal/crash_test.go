package journal

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

// A process appends, and follows what it appends, until it is killed at a random
// moment. Then everything that was acknowledged, and everything that a follower
// saw, is there: in order, once, and with its picture.
func TestKilled(t *testing.T) {
	const lanes, kills = 2, 50
	for lane := range lanes {
		t.Run(strconv.Itoa(lane), func(t *testing.T) {
			t.Parallel()
			seed := uint64(time.Now().UnixNano())
			t.Logf("seed %d", seed)
			random := rand.New(rand.NewPCG(seed, uint64(lane)))
			w := &witness{dir: t.TempDir(), told: map[uint64]string{}, at: map[string]uint64{}}
			for n := range kills {
				// Every fourth one while it begins, the others while it works.
				w.killed(t, n%4 != 0, time.Duration(random.IntN(int(150*time.Millisecond))))
				w.check(t)
			}
			if len(w.told) < kills {
				t.Fatalf("only %d records were told of: the test tests nothing", len(w.told))
			}
			t.Logf("%d records, of which %d were told of", w.checked, len(w.told))
		})
	}
}

// witness remembers what a journal's processes told before they were killed.
type witness struct {
	dir     string
	told    map[uint64]string // sequence to id
	at      map[string]uint64 // id to sequence, as found in the journal
	checked uint64            // up to which sequence it was
	largest int               // number of a verdict
}

// killed starts a process and kills it a while later: after its start, or after
// the first that it tells.
func (w *witness) killed(t *testing.T, working bool, after time.Duration) {
	t.Helper()
	child := exec.Command(os.Args[0])
	// It tries its predecessor's last verdicts again, as an engine would.
	first := max(1, w.largest-40)
	child.Env = append(os.Environ(), childRole+"="+crashRole, "DIR="+w.dir, "FIRST="+strconv.Itoa(first))
	var complaints bytes.Buffer
	child.Stderr = &complaints
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	kill := func() { child.Process.Kill() }
	killer := time.AfterFunc(patience, kill)
	if !working {
		killer.Reset(after)
	}
	defer killer.Stop()
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if working {
			killer.Reset(after)
			working = false
		}
		words := strings.Fields(lines.Text())
		if len(words) != 3 { // cut off by the kill
			continue
		}
		sequence, _ := strconv.ParseUint(words[1], 10, 64)
		if known, ok := w.told[sequence]; ok && known != words[2] {
			t.Fatalf("record %d was %s, and now %s %s", sequence, known, words[0], words[2])
		}
		w.told[sequence] = words[2]
	}
	var exit *exec.ExitError
	if err := child.Wait(); !errors.As(err, &exit) || exit.ExitCode() != -1 {
		t.Fatalf("it ended by itself: %v\n%s", err, complaints.Bytes())
	}
}

// check opens the journal and compares.
func (w *witness) check(t *testing.T) {
	t.Helper()
	o := testOptions(w.dir)
	j, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer finish(t, j)
	if lost := j.State().Lost; lost > 0 {
		t.Fatalf("%d records are lost: %v", lost, j.holes.ranges)
	}
	from := w.checked + 1
	for next := from; next > 0; {
		var records []Record
		records, next, err = j.Range(t.Context(), FromSequence(max(next, from)), FromNow(), Filter{}, 10000)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range records {
			w.find(t, j, r)
		}
	}
	for sequence := range w.told {
		if sequence > w.checked {
			t.Fatalf("record %d, %s, was told of and is gone; the journal ends at %d", sequence, w.told[sequence], w.checked)
		}
	}
}

func (w *witness) find(t *testing.T, j *Journal, r Record) {
	t.Helper()
	id := r.Verdict.GetId()
	if r.Sequence != w.checked+1 {
		t.Fatalf("record %d follows %d", r.Sequence, w.checked)
	}
	w.checked = r.Sequence
	if before, ok := w.at[id]; ok {
		t.Fatalf("%s is there twice: as %d and %d", id, before, r.Sequence)
	}
	w.at[id] = r.Sequence
	if told, ok := w.told[r.Sequence]; ok && told != id {
		t.Fatalf("record %d was told of as %s and is %s", r.Sequence, told, id)
	}
	number, _ := strconv.Atoi(strings.TrimPrefix(id, "v"))
	w.largest = max(w.largest, number)
	if key := r.Verdict.GetEvidence().GetKey(); key != "" {
		if e, err := j.Evidence(t.Context(), key); err != nil || !bytes.Equal(e.GetData(), picture(number)) {
			t.Fatalf("record %d and its picture: %v", r.Sequence, err)
		}
	} else if hasPicture(number) {
		t.Fatalf("record %d has lost its picture", r.Sequence)
	}
}

func hasPicture(n int) bool { return n%16 == 0 }

func picture(n int) []byte { return bytes.Repeat([]byte{byte(n), byte(n >> 8), 7}, 1000) }

const crashRole = "crash"

// crashChild appends to the journal in DIR, one by one and many at once, and
// prints what was acknowledged and what a follower saw.
func crashChild() int {
	ctx := context.Background()
	o := Options{Dir: os.Getenv("DIR"), MinFree: -1, Logger: slog.New(slog.NewTextHandler(os.Stderr, nil))}
	j, err := Open(ctx, o)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	first, _ := strconv.Atoi(os.Getenv("FIRST"))
	var mu sync.Mutex
	tell := func(what string, sequence uint64, id string) {
		mu.Lock()
		defer mu.Unlock()
		io.WriteString(os.Stdout, fmt.Sprintf("%s %d %s\n", what, sequence, id))
	}
	go func() {
		f, err := j.Follow(ctx, FromNow(), Filter{})
		for err == nil {
			var r Record
			if r, err = f.Next(ctx); err == nil {
				tell("saw", r.Sequence, r.Verdict.GetId())
			}
		}
		fmt.Fprintln(os.Stderr, "follow:", err)
		os.Exit(1)
	}()
	var number atomic.Int64
	number.Store(int64(first) - 1)
	write := func() {
		n := int(number.Add(1))
		v := verdict("a", n)
		if hasPicture(n) {
			v.Evidence = &streamvetv1.Evidence{MediaType: "image/jpeg", Data: picture(n)}
		}
		sequence, err := j.Append(ctx, v)
		if err != nil {
			fmt.Fprintln(os.Stderr, "append:", err)
			os.Exit(1)
		}
		tell("acked", sequence, v.GetId())
	}
	for {
		for range 5 {
			write()
		}
		var burst sync.WaitGroup
		for range 40 {
			burst.Go(write)
		}
		burst.Wait()
	}
}
