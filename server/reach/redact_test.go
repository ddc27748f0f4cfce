package reach

import (
	"slices"
	"strings"
	"testing"
)

func TestRedact(t *testing.T) {
	for in, want := range map[string]string{
		"rtsp://camera/live":                      "rtsp://camera/live",
		"rtsp://user:secret@camera/live":          "rtsp://user:xxxxx@camera/live",
		"rtsp://user@camera/live":                 "rtsp://user@camera/live",
		"rtsp://user:@camera/live":                "rtsp://user:@camera/live",
		"rtsp://us@er:sec@ret@camera/live":        "rtsp://us@er:xxxxx@camera/live",
		"rtsp://u:p%zz@camera/":                   "rtsp://u:xxxxx@camera/",
		"https://h/a?token=secret&x=1&y":          "https://h/a?token=xxxxx&x=xxxxx&xxxxx",
		"https://h?secret":                        "https://h?xxxxx",
		"https://h/?a=b=c&&d=":                    "https://h/?a=xxxxx&&d=",
		"https://h/#secret":                       "https://h/#xxxxx",
		"https://h/a?b=c#d":                       "https://h/a?b=xxxxx#xxxxx",
		"srt://h:1?passphrase=secret&mode=caller": "srt://h:1?passphrase=xxxxx&mode=xxxxx",
		"udp://@239.0.0.1:1234":                   "udp://@239.0.0.1:1234",
		"file:///films/a?b=c#d.mp4":               "file:///films/a?b=c#d.mp4",
		"/films/a.mp4":                            "/films/a.mp4",
	} {
		if got := Redact(in); got != want {
			t.Errorf("%q gives %q, want %q", in, got, want)
		}
		back, _, err := Restore(Redact(in), in)
		if err != nil || back != in {
			t.Errorf("%q comes back as %q, %v", in, back, err)
		}
	}
}

func TestRedactAll(t *testing.T) {
	for in, want := range map[string]string{
		"open rtsp://u:secret@h/a?k=secret: refused": "open rtsp://u:xxxxx@h/a?k=xxxxx: refused",
		"(http://h/?a=secret), 'http://h/?b=secret'": "(http://h/?a=xxxxx), 'http://h/?b=xxxxx'",
		"nothing": "nothing",
	} {
		if got := RedactAll(in); got != want {
			t.Errorf("%q gives %q, want %q", in, got, want)
		}
	}
}

func TestRestore(t *testing.T) {
	const stored = "https://user:secret@h/a?t=one&t=two&u=three"
	for in, want := range map[string]string{
		"https://user:xxxxx@h/b?t=xxxxx":             "https://user:secret@h/b?t=one",
		"https://other:new@h/a?t=xxxxx&t=xxxxx":      "https://other:new@h/a?t=one&t=two",
		"https://user:xxxxx@h/a?u=xxxxx&t=x&t=xxxxx": "https://user:secret@h/a?u=three&t=x&t=two",
		"https://h/a?v=xxxxx":                        "",
		"https://h/a?t=x&t=y&t=xxxxx":                "",
		"https://h/a#xxxxx":                          "",
	} {
		got, _, err := Restore(in, stored)
		if (err != nil) != (want == "") || err == nil && got != want {
			t.Errorf("%q gives %q, %v; want %q", in, got, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("the error tells: %v", err)
		}
	}
	if _, _, err := Restore("rtsp://u:xxxxx@h/", ""); err == nil {
		t.Error("a password came from nowhere")
	}
}

func TestSameHost(t *testing.T) {
	for pair, want := range map[[2]string]bool{
		{"rtsp://a:1/x", "rtsp://u:p@A:1/y?z"}: true,
		{"rtsp://a:1/", "rtsp://a:2/"}:         false,
		{"http://a/", "https://a/"}:            false,
		{"http://a/", "http://b@a/"}:           true,
		{"http://a/", "http://a@b/"}:           false,
	} {
		if got := SameHost(pair[0], pair[1]); got != want {
			t.Errorf("%v: %v, want %v", pair, got, want)
		}
	}
}

// Whatever is taken apart is the same put together again, no secret shows, and
// all come back.
func FuzzRedact(f *testing.F) {
	for _, s := range []string{"rtsp://u:p@h:1/a?b=c&d#e", "http://@@:/?&=&", "file:///a?b", "://", "a://b:c@d?xxxxx=xxxxx", "x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, url string) {
		if got := split(url).String(); got != url {
			t.Fatalf("%q is put together as %q", url, got)
		}
		shown := Redact(url)
		if back, _, err := Restore(shown, url); back != strings.ToValidUTF8(url, "\uFFFD") && !strings.Contains(url, Hidden) && strings.ToValidUTF8(url, "") == url {
			t.Fatalf("%q comes back as %q, %v", url, back, err)
		}
		if again := Redact(shown); again != shown {
			t.Fatalf("%q is redacted to %q and again to %q", url, shown, again)
		}
		s := split(shown)
		for _, left := range Secrets(shown) {
			if left != Hidden {
				t.Fatalf("%q shows %q in %q", url, left, s)
			}
		}
		_ = slices.Clone(Secrets(url))
	})
}
