package config

import (
	"testing"
	"time"
)

func TestBytes(t *testing.T) {
	for text, want := range map[string]Bytes{
		"0": 0, "17": 17, "17B": 17, "2kB": 2000, "3 MB": 3e6, "64MiB": 64 << 20, "1GiB": 1 << 30, "2TiB": 2 << 40, "8388607TiB": 8388607 << 40,
	} {
		if got, err := parseBytes(text); got != want || err != nil {
			t.Errorf("%q is %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "-1", "1.5GiB", "MiB", "9999999999TiB", "8388608TiB", "1mib", "0x10", "1 2"} {
		if got, err := parseBytes(text); err == nil {
			t.Errorf("%q is taken as %d", text, got)
		}
	}
	for b, want := range map[Bytes]string{0: "0", 5: "5", 1500: "1500", 1 << 10: "1KiB", 3 << 20: "3MiB", 5 << 30: "5GiB", 1<<30 + 1: "1073741825"} {
		if b.String() != want {
			t.Errorf("%d is written %s", int64(b), b)
		}
	}
}

func TestDurations(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"0": 0, "0s": 0, "90s": 90 * time.Second, "1h30m": 90 * time.Minute, "7d": 168 * time.Hour, "65535d": 65535 * 24 * time.Hour, "1.5ms": 1500 * time.Microsecond,
	} {
		if got, err := parseDuration(text); got != want || err != nil {
			t.Errorf("%q is %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "1", "-1s", "d", "-7d", "65536d", "1.5d", "7 d", "soon"} {
		if got, err := parseDuration(text); err == nil {
			t.Errorf("%q is taken as %v", text, got)
		}
	}
	for d, want := range map[time.Duration]string{0: "0s", time.Minute: "1m", time.Hour: "1h", 10 * time.Minute: "10m", 90 * time.Second: "1m30s", 168 * time.Hour: "168h", time.Hour + time.Second: "1h0m1s"} {
		if got := shortDuration(d); got != want {
			t.Errorf("%v is written %s", d, got)
		}
	}
}

func TestNearest(t *testing.T) {
	names := []string{"address", "reflection", "max_receive_bytes"}
	for word, want := range map[string]string{"adress": "address", "addr": "address", "reflect": "reflection", "max_recieve_bytes": "max_receive_bytes", "x": "", "": ""} {
		if got := nearest(word, names); got != want {
			t.Errorf("nearest to %q is %q, want %q", word, got, want)
		}
	}
}
