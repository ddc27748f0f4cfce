package registry

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
	"github.com/streamvet/streamvet/server/reach"
)

func paced(o *Options) { o.Paced = true }

func mask(paths ...string) *fieldmaskpb.FieldMask { return &fieldmaskpb.FieldMask{Paths: paths} }

// Sources are there again, as they were; a file that was vetted is not vetted again.
func TestSourcesOutliveTheServer(t *testing.T) {
	r := openRoom(t)
	r.add(&streamvetv1.SourceConfig{Name: "film", Url: r.film(), Labels: map[string]string{"site": "north"}})
	r.add(&streamvetv1.SourceConfig{Name: "camera", Url: "rtsp://u:secret@camera.invalid/", Paused: true})
	r.await("film", in(ended))
	was, err := r.Update(&streamvetv1.SourceConfig{Name: "film", Labels: map[string]string{"site": "south"}}, mask("labels"), 1)
	if err != nil {
		t.Fatal(err)
	}
	if was.GetStatus().GetState() != ended {
		t.Errorf("other labels let it be vetted again: %v", was)
	}
	if _, err := r.Update(&streamvetv1.SourceConfig{Name: "film"}, mask("paused"), 0); err != nil { // nothing changes: it is vetted again
		t.Fatal(err)
	}
	stored := len(r.shelf.await(t, 4))
	r.await("film", in(ended))
	r.close()
	again := openRoomIn(t, r.dir)
	is, err := again.Get("film")
	if err != nil {
		t.Fatal(err)
	}
	if !proto.Equal(is.GetConfig(), was.GetConfig()) || is.GetRevision() != 2 || !proto.Equal(is.GetCreated(), was.GetCreated()) || is.GetStatus().GetState() != ended {
		t.Errorf("it was %v and is %v", was, is)
	}
	if s, err := again.Get("camera"); err != nil || s.GetStatus().GetState() != paused || s.GetConfig().GetUrl() != "rtsp://u:xxxxx@camera.invalid/" {
		t.Errorf("%v, %v", s, err)
	}
	ids := map[string]int{}
	for _, v := range r.shelf.stored() {
		ids[v.GetId()+v.GetState().String()]++
	}
	if len(ids) != 4 || stored != 4 {
		t.Errorf("the two times share ids: %v", ids)
	}
	if _, err := again.Update(&streamvetv1.SourceConfig{Name: "film"}, mask("paused"), 0); err != nil {
		t.Fatal(err)
	}
	for _, v := range again.shelf.await(t, 2) {
		if ids[v.GetId()+v.GetState().String()] > 0 {
			t.Errorf("%s is an id of an earlier time", v.GetId())
		}
		if v.GetEpoch() != 0 || v.GetLabels()["site"] != "south" {
			t.Errorf("%v", v)
		}
	}
}

// What a process that was killed has left open is cleared by the next one.
func TestOpenVerdictsOfACrashAreCleared(t *testing.T) {
	dir := t.TempDir()
	r := openRoomIn(t, dir)
	open := &streamvetv1.Verdict{Source: "news", Id: "e1/0/black/black/1", State: raised, Defect: "black", End: durationpb.New(3 * time.Second)}
	done := &streamvetv1.Verdict{Source: "news", Id: "e1/0/black/black/2", State: raised}
	lost := &streamvetv1.Verdict{Source: "news", Id: "e1/0/black/black/3", State: raised}
	for _, v := range []*streamvetv1.Verdict{open, done, lost} {
		r.store.open.stored(v)
	}
	r.store.open.stored(&streamvetv1.Verdict{Source: "news", Id: done.GetId(), State: cleared})
	r.store.open.file.WriteString("00000000 + news \"cut") // when it was killed
	r.close()
	shelf := newShelf()
	shelf.verdicts = []*streamvetv1.Verdict{open, done}
	shelf.fail(errFull) // a while
	again := openRoomIn(t, dir, func(o *Options) { o.Journal = shelf })
	shelf.fail(nil)
	all := shelf.await(t, 3)
	if v := all[2]; v.GetId() != open.GetId() || v.GetState() != cleared || v.GetEnd().AsDuration() != 3*time.Second || v.GetTime() == nil {
		t.Errorf("cleared: %v", v)
	}
	again.flushes.Wait()
	if n := len(again.store.open.open); n != 0 || len(shelf.stored()) != 3 {
		t.Errorf("%d are open, %d stored", n, len(shelf.stored()))
	}
}

// A source that is removed while it shows something clears that first.
func TestRemoveClears(t *testing.T) {
	r := openRoom(t, paced)
	r.add(&streamvetv1.SourceConfig{Name: "film", Url: r.film()})
	r.shelf.await(t, 1)
	if s, err := r.Get("film"); err != nil || s.GetStatus().GetOpenVerdicts() != 1 {
		t.Errorf("%v, %v", s.GetStatus(), err)
	}
	if err := r.Remove(t.Context(), "film"); err != nil {
		t.Fatal(err)
	}
	if got := names(r.shelf.stored()); got != "e1/0/black/black/1r e1/0/black/black/1c" {
		t.Errorf("stored %s", got)
	}
	if _, err := r.Get("film"); !errors.Is(err, ErrUnknown) {
		t.Errorf("%v", err)
	}
	// The name may come again; its ids do not.
	r.add(&streamvetv1.SourceConfig{Name: "film", Url: r.film()})
	if v := r.shelf.await(t, 3)[2]; v.GetId() != "e2/0/black/black/1" {
		t.Errorf("its next verdict is %v", v)
	}
}

// While the journal takes nothing the source goes on, says so, and loses nothing.
func TestAJournalThatIsFull(t *testing.T) {
	r := openRoom(t)
	r.shelf.fail(errFull)
	r.add(&streamvetv1.SourceConfig{Name: "film", Url: r.film()})
	s := r.await("film", func(s *streamvetv1.SourceStatus) bool { return s.GetState() == ended && s.GetReason() != "" })
	if !strings.Contains(s.GetStatus().GetReason(), "2 verdicts wait for the journal: the disk is full") {
		t.Errorf("it says %q", s.GetStatus().GetReason())
	}
	if st := r.Stats(); len(st) != 1 || st[0].Waiting != 2 || st[0].Lost != 0 || st[0].Raised != 1 || st[0].Frames != 150 {
		t.Errorf("stats: %+v", st)
	}
	if err := r.Remove(t.Context(), "film"); err != nil { // does not wait for the journal
		t.Fatal(err)
	}
	r.shelf.fail(nil)
	if got := names(r.shelf.await(t, 2)); got != "e1/0/black/black/1r e1/0/black/black/1c" {
		t.Errorf("stored %s", got)
	}
}

func TestCloseStoresWhatWaits(t *testing.T) {
	r := openRoom(t, paced)
	r.shelf.fail(errFull)
	r.add(&streamvetv1.SourceConfig{Name: "film", Url: r.film()})
	r.await("film", func(s *streamvetv1.SourceStatus) bool { return s.GetOpenVerdicts() == 1 })
	w := r.Watch()
	go func() {
		for {
			if _, err := w.Next(context.Background()); errors.Is(err, ErrClosed) {
				r.shelf.fail(nil) // once it closes
				return
			}
		}
	}()
	r.close()
	if got := names(r.shelf.stored()); got != "e1/0/black/black/1r e1/0/black/black/1c" {
		t.Errorf("stored %s", got)
	}
	for what, err := range map[string]error{
		"add": second(r.Add(&streamvetv1.SourceConfig{Name: "a", Url: r.film()})), "remove": r.Remove(t.Context(), "film"),
		"update": second(r.Update(&streamvetv1.SourceConfig{Name: "film"}, mask("paused"), 0)),
	} {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("%s after Close: %v", what, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

// A clean end does not wait for ever for a journal that takes nothing.
func TestCloseGivesUp(t *testing.T) {
	r := openRoom(t)
	r.shelf.fail(errFull)
	r.add(&streamvetv1.SourceConfig{Name: "film", Url: r.film()})
	r.await("film", in(ended))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := r.Close(ctx); err == nil || !strings.Contains(err.Error(), "2 verdicts could not be stored") {
		t.Errorf("%v", err)
	}
}

func TestDeclare(t *testing.T) {
	r := openRoom(t)
	config := func(name, label string) *streamvetv1.SourceConfig {
		return &streamvetv1.SourceConfig{Name: name, Url: "rtsp://u:secret@camera.invalid/", Paused: true, Labels: map[string]string{"a": label}}
	}
	there := func(want string) {
		t.Helper()
		var all []string
		page, _ := r.List(nil, "", 100)
		for _, s := range page {
			all = append(all, fmt.Sprintf("%s:%s:%d:%v", s.GetConfig().GetName(), s.GetConfig().GetLabels()["a"], s.GetRevision(), s.GetFromFile()))
		}
		if got := strings.Join(all, " "); got != want {
			t.Errorf("there is %s, want %s", got, want)
		}
	}
	r.add(config("api", "1"))
	if err := r.Declare([]*streamvetv1.SourceConfig{config("one", "1"), config("two", "1")}); err != nil {
		t.Fatal(err)
	}
	there("api:1:1:false one:1:1:true two:1:1:true")
	err := r.Declare([]*streamvetv1.SourceConfig{config("one", "1"), config("one", "2"), config("api", "2"), config("Bad", "1"), config("three", "1")})
	for _, want := range []string{"source one: the file declares it twice", "source api: it was added over the API", "source Bad: the configuration makes no sense"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
	there("api:1:1:false one:1:1:true three:1:1:true")
	if err := r.Declare([]*streamvetv1.SourceConfig{config("one", "2")}); err != nil {
		t.Fatal(err)
	}
	there("api:1:1:false one:2:2:true")
	for what, err := range map[string]error{"update": second(r.Update(config("one", "3"), nil, 0)), "remove": r.Remove(t.Context(), "one")} {
		if !errors.Is(err, ErrFromFile) {
			t.Errorf("%s: %v", what, err)
		}
	}
	r.close()
	again := openRoomIn(t, r.dir)
	r.Registry = again.Registry
	there("api:1:1:false one:2:2:true")
}

// A live source that falls silent is stalled, then connected anew as the next epoch.
func TestALiveSource(t *testing.T) {
	r := openRoom(t, func(o *Options) {
		policy, err := reach.New(reach.Options{Roots: []string{o.Dir + "/../files"}, Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
		if err != nil {
			t.Fatal(err)
		}
		o.Reach = policy
	})
	send := sender(t, strings.TrimPrefix(r.film(), "file://"))
	r.add(&streamvetv1.SourceConfig{
		Name: "live", Url: "udp://127.0.0.1:" + send.port, StallTimeout: durationpb.New(time.Second), Labels: map[string]string{"site": "north"},
		Reconnect: &streamvetv1.ReconnectPolicy{InitialBackoff: durationpb.New(10 * time.Millisecond), MaxBackoff: durationpb.New(10 * time.Millisecond)},
	})
	send.go_()
	s := r.await("live", func(s *streamvetv1.SourceStatus) bool { return s.GetState() == running && s.GetFrames() > 25 })
	if st := s.GetStatus(); st.GetEpoch() != 1 || st.GetEpochStart() == nil || st.GetRestarts() != 0 || st.GetPosition().AsDuration() < time.Second/2 {
		t.Errorf("it runs: %v", st)
	}
	send.stop()
	r.await("live", in(streamvetv1.SourceState_SOURCE_STATE_STALLED))
	s = r.await("live", in(streamvetv1.SourceState_SOURCE_STATE_RECONNECTING))
	if st := s.GetStatus(); !strings.Contains(st.GetLastError(), "nothing came for too long") {
		t.Errorf("it is lost: %v", st)
	}
	send.go_()
	s = r.await("live", func(s *streamvetv1.SourceStatus) bool { return s.GetState() == running && s.GetEpoch() > 1 })
	if st := s.GetStatus(); st.GetRestarts() < 1 || st.GetReason() != "" {
		t.Errorf("it runs again: %v", st)
	}
	send.stop()
	last := s.GetStatus().GetEpoch()
	r.close()
	again := openRoomIn(t, r.dir)
	if n := again.store.epochs.of("live"); n < int(last) {
		t.Errorf("epoch %d after %d", n, last)
	}
}

// transmitter sends a file of MPEG-TS over UDP, again and again, while it is on.
type transmitter struct {
	port string
	on   chan bool
}

func sender(t *testing.T, path string) *transmitter {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	free, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(free.LocalAddr().String())
	free.Close()
	c, err := net.Dial("udp", "127.0.0.1:"+port)
	if err != nil {
		t.Fatal(err)
	}
	s := &transmitter{port: port, on: make(chan bool)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer c.Close()
		tick := time.NewTicker(2 * time.Millisecond)
		defer tick.Stop()
		on := false
		for at := 0; ; {
			select {
			case now, more := <-s.on:
				if on = now; !more {
					return
				}
			case <-tick.C:
				if on {
					end := min(at+7*188, len(data))
					c.Write(data[at:end])
					if at = end; at == len(data) {
						at = 0
					}
				}
			}
		}
	}()
	t.Cleanup(func() { close(s.on); <-done })
	return s
}

func (s *transmitter) go_()  { s.on <- true }
func (s *transmitter) stop() { s.on <- false }
