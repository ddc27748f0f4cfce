package access

import (
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func TestLimiters(t *testing.T) {
	l := newLimiters(10, 2)
	now := time.Unix(1000, 0)
	take := func(key string, after time.Duration, want bool, wait time.Duration) {
		t.Helper()
		if w, ok := l.take(key, now.Add(after)); ok != want || w.Round(time.Millisecond) != wait {
			t.Errorf("%s after %v: %v, %v", key, after, ok, w)
		}
	}
	take("a", 0, true, 0)
	take("a", 0, true, 0)
	take("a", 0, false, 100*time.Millisecond)
	take("b", 0, true, 0)
	take("a", 50*time.Millisecond, false, 50*time.Millisecond)
	take("a", 100*time.Millisecond, true, 0) // what was refused has cost nothing
	take("a", 100*time.Millisecond, false, 100*time.Millisecond)
	take("a", -time.Hour, false, 100*time.Millisecond) // a clock that jumps back
	take("a", time.Hour, true, 0)

	all := newLimiters(0, 1)
	for range 1000 {
		if _, ok := all.take("a", now); !ok {
			t.Fatal("without a rate there is a limit")
		}
	}
}

// However many call, so many are remembered: the latest.
func TestLimitersAreBounded(t *testing.T) {
	l := newLimiters(1, 1)
	now := time.Unix(1000, 0)
	for i := range 3 * maxLimiters {
		l.take(fmt.Sprint(i), now)
		l.take("often", now)
	}
	if len(l.byKey) != maxLimiters || l.order.Len() != maxLimiters {
		t.Errorf("%d are remembered", len(l.byKey))
	}
	if _, ok := l.take("often", now); ok {
		t.Error("who calls all the time is forgotten")
	}
	if _, ok := l.take("0", now); !ok {
		t.Error("who called long ago is remembered")
	}
}

func TestAddressKey(t *testing.T) {
	for address, want := range map[string]string{
		"10.1.2.3:5":               "10.1.2.3",
		"[::ffff:10.1.2.3]:5":      "10.1.2.3",
		"[2001:db8:1:2:3:4:5:6]:7": "2001:db8:1:2::/64",
		"[fe80::1%eth0]:7":         "fe80::/64",
		"bufconn":                  "?",
		"":                         "?",
	} {
		if got := addressKey(address); got != want {
			t.Errorf("%q is counted under %q, want %q", address, got, want)
		}
	}
}

// A client that floods the connection with pings is sent away.
func TestPingFlood(t *testing.T) {
	r := startRig(t, nil)
	conn, err := net.Dial("tcp", r.address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	io.WriteString(conn, http2.ClientPreface)
	f := http2.NewFramer(conn, conn)
	if err := f.WriteSettings(); err != nil {
		t.Fatal(err)
	}
	go func() {
		for range 100 {
			if f.WritePing(false, [8]byte{}) != nil {
				return
			}
		}
	}()
	for {
		frame, err := f.ReadFrame()
		if err != nil {
			t.Fatalf("the connection ends without a word: %v", err)
		}
		if g, ok := frame.(*http2.GoAwayFrame); ok {
			if g.ErrCode != http2.ErrCodeEnhanceYourCalm {
				t.Errorf("it ends with %v", g.ErrCode)
			}
			break
		}
	}
	if _, _, err := whoami(t.Context(), r.dial(t, nil)); status.Code(err) != codes.OK {
		t.Errorf("another client: %v", err)
	}
}
