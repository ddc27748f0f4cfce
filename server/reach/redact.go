package reach

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// Hidden stands for a secret.
const Hidden = "xxxxx"

// parts are those of an address as FFmpeg takes it apart, which is more lenient
// than net/url: put together again they are the same text.
type parts struct {
	scheme   string // with "://"
	user     string
	password string // with ":" before it
	at       string // "@" where there is a user
	host     string // with its port
	path     string
	query    string // with "?"
	fragment string // with "#"
}

func split(url string) parts {
	var p parts
	scheme, rest, ok := strings.Cut(url, "://")
	if !ok {
		return parts{path: url}
	}
	p.scheme = scheme + "://"
	if i := strings.IndexByte(rest, '#'); i >= 0 {
		rest, p.fragment = rest[:i], rest[i:]
	}
	if i := strings.IndexByte(rest, '?'); i >= 0 {
		rest, p.query = rest[:i], rest[i:]
	}
	if strings.EqualFold(scheme, "file") {
		p.path, p.query, p.fragment = rest+p.query+p.fragment, "", ""
		return p
	}
	p.host = rest
	if i := strings.IndexByte(rest, '/'); i >= 0 {
		p.host, p.path = rest[:i], rest[i:]
	}
	if i := strings.LastIndexByte(p.host, '@'); i >= 0 {
		p.user, p.at, p.host = p.host[:i], "@", p.host[i+1:]
	}
	if i := strings.IndexByte(p.user, ':'); i >= 0 {
		p.user, p.password = p.user[:i], p.user[i:]
	}
	return p
}

func (p parts) String() string {
	return p.scheme + p.user + p.password + p.at + p.host + p.path + p.query + p.fragment
}

// values calls change for each value of the query and puts in what it gives.
func (p *parts) values(change func(key string, n int, value string) string) {
	if len(p.query) < 2 {
		return
	}
	pairs, seen := strings.Split(p.query[1:], "&"), map[string]int{}
	for i, pair := range pairs {
		key, value, ok := strings.Cut(pair, "=")
		if !ok { // it may be a token alone
			key, value = "", pair
		}
		if value == "" {
			continue
		}
		value = change(key, seen[key], value)
		seen[key]++
		if ok {
			value = key + "=" + value
		}
		pairs[i] = value
	}
	p.query = "?" + strings.Join(pairs, "&")
}

// Redact is an address as it may be told: Hidden stands for its password, all
// values of its query, and its fragment.
func Redact(url string) string {
	p := split(url)
	if len(p.password) > 1 {
		p.password = ":" + Hidden
	}
	p.values(func(string, int, string) string { return Hidden })
	if len(p.fragment) > 1 {
		p.fragment = "#" + Hidden
	}
	return strings.ToValidUTF8(p.String(), "\uFFFD")
}

var addresses = regexp.MustCompile(`[A-Za-z][A-Za-z0-9+.-]*://[^\s"'<>\x60]+`)

// RedactAll redacts every address within a text.
func RedactAll(text string) string {
	if !strings.Contains(text, "://") {
		return text
	}
	return addresses.ReplaceAllStringFunc(text, func(url string) string {
		end := strings.TrimRight(url, ".,;:!)]}")
		return Redact(end) + url[len(end):]
	})
}

// Secrets lists what Redact hides, as it is written.
func Secrets(url string) []string {
	p := split(url)
	var all []string
	add := func(s string) {
		if s != "" && s != Hidden {
			all = append(all, s)
		}
	}
	add(strings.TrimPrefix(p.password, ":"))
	p.values(func(_ string, _ int, v string) string { add(v); return v })
	add(strings.TrimPrefix(p.fragment, "#"))
	return all
}

// Restore puts the secrets of stored where url has Hidden, and tells whether it
// did. It fails where stored has none to put there.
func Restore(url, stored string) (string, bool, error) {
	p, old := split(url), split(stored)
	took := false
	var missing error
	put := func(what, value, was string) string {
		if value != Hidden {
			return value
		}
		if was == "" {
			missing = fmt.Errorf("%s stands for a stored %s, and there is none: give it", Hidden, what)
			return value
		}
		took = true
		return was
	}
	if p.password != "" {
		p.password = ":" + put("password", p.password[1:], strings.TrimPrefix(old.password, ":"))
	}
	type place struct {
		key string
		n   int
	}
	had := map[place]string{}
	old.values(func(key string, n int, v string) string { had[place{key, n}] = v; return v })
	p.values(func(key string, n int, v string) string { return put("value of the query", v, had[place{key, n}]) })
	if p.fragment != "" {
		p.fragment = "#" + put("fragment", p.fragment[1:], strings.TrimPrefix(old.fragment, "#"))
	}
	return p.String(), took, missing
}

// SameHost tells whether two addresses lead to the same host by the same protocol.
func SameHost(a, b string) bool {
	x, y := split(a), split(b)
	return strings.EqualFold(x.scheme, y.scheme) && strings.EqualFold(x.host, y.host)
}

// ErrShape is of an address that cannot be taken apart. Its text must not repeat it.
var ErrShape = errors.New("the address cannot be understood: it must be like scheme://host:port/path; write @, :, / and ? in a user or password as %40, %3A, %2F and %3F")
