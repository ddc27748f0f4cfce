package reach

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func policy(t testing.TB, o Options) *Policy {
	t.Helper()
	p, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// outcome is what an error means to a caller.
func outcome(err error) string {
	switch {
	case err == nil:
		return "allowed"
	case errors.Is(err, ErrRefused):
		return "refused"
	case errors.Is(err, ErrShape):
		return "shape"
	}
	return "error: " + err.Error()
}

func TestCheck(t *testing.T) {
	root := t.TempDir()
	p := policy(t, Options{Roots: []string{root}, Allow: []netip.Prefix{
		netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("169.254.0.0/16"), netip.MustParsePrefix("fd00::/8"),
	}, Deny: []netip.Prefix{netip.MustParsePrefix("10.1.2.0/24"), netip.MustParsePrefix("8.8.8.8/32"), netip.MustParsePrefix("239.1.1.1/32")}})
	for url, want := range map[string]string{
		"rtsp://camera.example/live":             "allowed",
		"rtsp://user:pw@camera.example:8554/x":   "allowed",
		"https://media.example/a.m3u8?token=1":   "allowed",
		"rtsp://1.1.1.1/":                        "allowed",
		"http://[2606:4700::1111]:8080/":         "allowed",
		"srt://camera.example:9000":              "allowed",
		"srt://0.0.0.0:9000?mode=listener":       "allowed",
		"srt://:9000?mode=listener":              "allowed",
		"udp://@239.0.0.1:1234":                  "allowed",
		"udp://0.0.0.0:1234":                     "allowed",
		"udp://:1234":                            "allowed",
		"rtp://[ff15::1]:5004":                   "allowed",
		"http://10.1.0.5/":                       "allowed",
		"http://169.254.1.1/":                    "allowed",
		"file://" + root + "/a.ts":               "allowed",
		"file://" + root + "/new/not%20there.ts": "allowed",
		"file://localhost" + root + "/a.ts":      "allowed",

		"http://127.0.0.1/":                  "refused",
		"http://127.9.9.9/":                  "refused",
		"http://0.0.0.0/":                    "refused",
		"http://[::1]/":                      "refused",
		"http://[::]/":                       "refused",
		"http://[::ffff:127.0.0.1]/":         "refused",
		"http://[::ffff:10.0.0.1]/":          "refused",
		"http://[64:ff9b::a00:1]/":           "refused", // 10.0.0.1 through NAT64
		"http://[64:ff9b::a9fe:a9fe]/":       "refused",
		"http://[2002:a00:1::1]/":            "refused", // 10.0.0.1 through 6to4
		"http://[::10.0.0.1]/":               "refused",
		"http://[fe80::1%25eth0]/":           "refused",
		"http://[fe80::1%eth0]/":             "refused",
		"http://10.0.0.1/":                   "refused",
		"http://192.168.1.1/":                "refused",
		"http://172.16.0.1/":                 "refused",
		"http://100.64.0.1/":                 "refused",
		"http://169.254.169.254/latest/":     "refused", // though its network is allowed
		"http://[fd00:ec2::254]/":            "refused",
		"http://168.63.129.16/":              "refused",
		"http://100.100.100.200/":            "refused",
		"http://10.1.2.3/":                   "refused", // denied
		"http://8.8.8.8/":                    "refused",
		"http://239.0.0.1/":                  "refused",
		"http://255.255.255.255/":            "refused",
		"http://198.18.0.1/":                 "refused",
		"udp://10.0.0.1:1234":                "refused",
		"udp://239.1.1.1:1234":               "refused",
		"srt://127.0.0.1:9000":               "refused",
		"srt://127.0.0.1:9000?mode=caller":   "refused",
		"rtmp://user:pw@192.168.0.1/app/key": "refused",
		"rtsp://a@10.0.0.1/":                 "refused",
		"rtsp://1.1.1.1@10.0.0.1/":           "refused",
		"ftp://camera.example/":              "refused",
		"tcp://camera.example:1":             "refused",
		"concat://a":                         "refused",
		"camera.example":                     "refused",
		"":                                   "refused",
		"file:///etc/passwd":                 "refused",
		"file://" + root + "/../x":           "refused",
		"file://" + root + "/%2e%2e/x":       "refused",
		"file://" + root:                     "refused",
		"file://" + root + "x/a.ts":          "refused",

		"http:///path":         "shape",
		"http://a:b:c/":        "shape",
		"http://a:0/":          "shape",
		"http://a:99999/":      "shape",
		"http://user:p/w@b/":   "shape",
		"rtsp://[::1/":         "shape",
		"udp://239.0.0.1":      "shape",
		"srt://camera.example": "shape",
		"file://host/path":     "shape",
		"file:///a%zz":         "shape",
		"file:///a%00b":        "shape",
	} {
		if got := outcome(p.Check(url)); got != want {
			t.Errorf("%q is %s, want %s", url, got, want)
		}
	}
}

func TestMetadataIsAllowedAlone(t *testing.T) {
	meta := netip.MustParseAddrPort("169.254.169.254:80")
	for prefix, want := range map[string]string{"169.254.169.254/32": "allowed", "169.254.169.254/31": "refused", "0.0.0.0/0": "refused"} {
		p := policy(t, Options{Allow: []netip.Prefix{netip.MustParsePrefix(prefix)}})
		if got := outcome(p.Connect("tcp", meta)); got != want {
			t.Errorf("with %s it is %s, want %s", prefix, got, want)
		}
	}
}

// names is a resolver that knows some.
type names map[string][]string

func (n names) LookupNetIP(_ context.Context, _, host string) (all []netip.Addr, err error) {
	addresses, ok := n[host]
	if !ok {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	for _, a := range addresses {
		all = append(all, netip.MustParseAddr(a))
	}
	return all, nil
}

func TestResolve(t *testing.T) {
	many := make([]string, 5000)
	for i := range many {
		many[i] = "1.1.1.1"
	}
	p := policy(t, Options{Resolver: names{
		"good": {"1.1.1.1", "2606:4700::1111"}, "mixed": {"10.0.0.1", "1.1.1.1", "169.254.169.254"}, "bad": {"10.0.0.1", "::1"},
		"mapped": {"::ffff:169.254.169.254"}, "group": {"239.0.0.1"}, "none": {}, "many": many,
	}})
	for _, c := range []struct {
		network, host, want string
		count               int
	}{
		{"tcp", "good", "allowed", 2}, {"tcp", "mixed", "allowed", 1}, {"tcp", "bad", "refused", 0}, {"tcp", "mapped", "refused", 0},
		{"tcp", "group", "refused", 0}, {"udp", "group", "allowed", 1}, {"udp", "bad", "refused", 0}, {"tcp", "many", "allowed", 16},
		{"tcp", "10.0.0.1", "refused", 0}, {"tcp", "1.1.1.1", "allowed", 1}, {"udp", "0.0.0.0", "allowed", 1}, {"tcp", "0.0.0.0", "refused", 0},
	} {
		all, err := p.Resolve(t.Context(), c.network, c.host)
		if got := outcome(err); got != c.want || err == nil && len(all) != c.count {
			t.Errorf("%s over %s: %s, %v; want %s, %d", c.host, c.network, got, all, c.want, c.count)
		}
	}
	for _, host := range []string{"unknown", "none"} {
		var dns *net.DNSError
		if _, err := p.Resolve(t.Context(), "tcp", host); !errors.As(err, &dns) || errors.Is(err, ErrRefused) {
			t.Errorf("%s: %v, want an error of DNS", host, err)
		}
	}
}

func TestFiles(t *testing.T) {
	base := t.TempDir()
	root, outside := filepath.Join(base, "root"), filepath.Join(base, "outside")
	for _, dir := range []string{root, outside} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	link := func(to, name string) {
		if err := os.Symlink(to, filepath.Join(base, name)); err != nil {
			t.Fatal(err)
		}
	}
	link(outside, "root/out")
	link("out", "root/twice")
	link(root, "alias")
	link("loop", "root/loop")
	p := policy(t, Options{Roots: []string{filepath.Join(base, "alias")}})
	for path, want := range map[string]string{
		"root/a.ts": "allowed", "alias/a.ts": "allowed", "root/out/a.ts": "refused", "root/twice/a.ts": "refused",
		"alias/out/a.ts": "refused", "root/loop/a.ts": "refused", "outside/a.ts": "refused", "root/out/../root/a.ts": "allowed", "root/out/../outside/a.ts": "refused",
	} {
		// Not joined: that would clean it.
		if got := outcome(p.Check("file://" + base + "/" + path)); got != want {
			t.Errorf("%s is %s, want %s", path, got, want)
		}
	}
	if got := outcome(policy(t, Options{}).Check("file:///a")); got != "refused" {
		t.Errorf("without a root: %s", got)
	}
	if _, err := New(Options{Roots: []string{"media"}}); err == nil {
		t.Error("a relative root was taken")
	}
}
