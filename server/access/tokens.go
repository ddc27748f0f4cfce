package access

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"time"

	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

// tokenPrefix lets people, and scanners for secrets, tell what a token is.
const tokenPrefix = "svt_"

// maxTokens bounds how long a look-up takes: it compares with every one.
const (
	maxTokens     = 1000
	maxTokenBytes = 256 // of a header
)

// token is one line of the file. A token is 32 random bytes, so its plain SHA-256
// is as safe as any slow hash: there is nothing to guess from.
type token struct {
	name    string
	role    streamvetv1.Role
	expires time.Time // zero for never
	sum     [sha256.Size]byte
}

// tokens are those of the file, as it was read.
type tokens struct {
	raw []byte
	all []*token
}

var errToken = errors.New("the token is not known")

// find gives the token of that text. It takes as long for any text.
func (t *tokens) find(text string, now time.Time) (*token, error) {
	sum := sha256.Sum256([]byte(text))
	var found *token
	for _, k := range t.all {
		if subtle.ConstantTimeCompare(sum[:], k.sum[:]) == 1 {
			found = k
		}
	}
	if found == nil {
		return nil, errToken
	}
	return found, found.inTime(now)
}

func (k *token) inTime(now time.Time) error {
	if !k.expires.IsZero() && !now.Before(k.expires) {
		return errors.New("the token has expired: ask for another one")
	}
	return nil
}

// still says whether a token that was found once is there as it was.
func (t *tokens) still(k *token, now time.Time) error {
	for _, other := range t.all {
		if other.sum == k.sum && other.role == k.role {
			return other.inTime(now)
		}
	}
	return errors.New("the token was taken back")
}

// reloadTokens reads the file if it has changed.
func (a *Access) reloadTokens() error {
	path := a.options.Auth.Tokens
	if path == "" {
		a.tokens.Store(&tokens{})
		return nil
	}
	raw, err := readTokens(path)
	if err != nil {
		return fmt.Errorf("read the tokens: %w", err)
	}
	old := a.tokens.Load()
	if old != nil && bytes.Equal(old.raw, raw) {
		return nil
	}
	all, err := parseTokens(raw)
	if err != nil {
		return fmt.Errorf("read the tokens: %s: %w", path, err)
	}
	a.tokens.Store(&tokens{raw: raw, all: all})
	a.log.Info("tokens read", "file", path, "tokens", len(all))
	return nil
}

func readTokens(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err == nil && info.Mode().Perm()&0o002 != 0 {
		return nil, fmt.Errorf("%s: everybody can write to it, and so give themselves a token: chmod o-w it", path)
	}
	return readFile(path)
}

// parseTokens reads lines of name, role, expiry and sum. What is wrong is told by
// its line alone: a token may stand there by mistake.
func parseTokens(raw []byte) ([]*token, error) {
	var all []*token
	var errs []error
	names := map[string]bool{}
	lines := bufio.NewScanner(bytes.NewReader(raw))
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		k, err := parseToken(line)
		if err == nil && names[k.name] {
			err = fmt.Errorf("the name %s is there twice", k.name)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("line %d: %w", n, err))
			continue
		}
		names[k.name] = true
		all = append(all, k)
	}
	if len(all) > maxTokens {
		errs = append(errs, fmt.Errorf("there are %d tokens, %d are the most", len(all), maxTokens))
	}
	return all, errors.Join(append(errs, lines.Err())...)
}

var tokenName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._@-]{0,62}$`)

func parseToken(line string) (*token, error) {
	words := strings.Fields(line)
	if len(words) != 4 {
		return nil, errors.New("it must be a name, a role, an expiry and a sum, as streamvet token new prints them")
	}
	k := &token{name: words[0]}
	if !tokenName.MatchString(k.name) {
		return nil, errors.New("the first word is no name: use letters, digits and . _ @ -, 63 at most")
	}
	var err error
	if k.role, err = ParseRole(words[1]); err != nil {
		return nil, err
	}
	if words[2] != "never" {
		if k.expires, err = time.Parse(time.RFC3339, words[2]); err != nil {
			return nil, errors.New("the third word must be never or a time such as 2027-01-31T00:00:00Z")
		}
	}
	sum, err := hex.DecodeString(words[3])
	if err != nil || len(sum) != sha256.Size {
		return nil, errors.New("the fourth word is no sum: 64 hexadecimal digits are needed, not the token itself")
	}
	copy(k.sum[:], sum)
	return k, nil
}

// ParseRole takes read or operate.
func ParseRole(word string) (streamvetv1.Role, error) {
	switch word {
	case "read":
		return streamvetv1.Role_ROLE_READ, nil
	case "operate":
		return streamvetv1.Role_ROLE_OPERATE, nil
	}
	return 0, fmt.Errorf("the role %.20q is neither read nor operate", word)
}

// NewToken makes a token for a name, and its line for the file. The token is
// nowhere else: who loses it makes another. An expiry of zero is never.
func NewToken(name, role string, expires time.Time) (text, line string, err error) {
	if !tokenName.MatchString(name) {
		return "", "", fmt.Errorf("%.70q is no name: use letters, digits and . _ @ -, 63 at most", name)
	}
	if _, err := ParseRole(role); err != nil {
		return "", "", err
	}
	secret := make([]byte, 32)
	rand.Read(secret) // never fails
	text = tokenPrefix + base64.RawURLEncoding.EncodeToString(secret)
	sum := sha256.Sum256([]byte(text))
	until := "never"
	if !expires.IsZero() {
		until = expires.UTC().Format(time.RFC3339)
	}
	return text, fmt.Sprintf("%s %s %s %x", name, role, until, sum), nil
}
