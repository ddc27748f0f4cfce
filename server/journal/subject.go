package journal

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"

	streamvetv1 "github.com/streamvet/streamvet/proto/streamvet/v1"
)

// A record lies under streamvet.verdict.<source>.<defect>.<severity>.<state>, so
// that the server itself can leave out what a reader does not want.
const (
	subjectPrefix = "streamvet.verdict."
	everySubject  = ">" // of the stream; the server is quickest with this one
)

// maxToken is the longest source or defect that stands in a subject as it is.
const maxToken = 128

func subjectOf(v *streamvetv1.Verdict) string {
	return join(token(v.GetSource()), token(v.GetDefect()), severityToken(v.GetSeverity()), stateToken(v.GetState()))
}

func join(source, defect, severity, state string) string {
	return subjectPrefix + source + "." + defect + "." + severity + "." + state
}

// token writes any text as one token of a subject, two texts never alike:
// letters, digits, - and _ stand for themselves, every other byte is = and two
// hexadecimal digits, nothing at all is =, and what is too long is == and a hash.
func token(text string) string {
	if text == "" {
		return "="
	}
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(text) {
		switch c := text[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_':
			b.WriteByte(c)
		default:
			b.Write([]byte{'=', digits[c>>4], digits[c&15]})
		}
	}
	if b.Len() > maxToken {
		hash := sha256.Sum256([]byte(text))
		return "==" + hex.EncodeToString(hash[:16])
	}
	return b.String()
}

func severityToken(s streamvetv1.Severity) string {
	return enumToken(streamvetv1.Severity_name[int32(s)], "SEVERITY_", int32(s))
}

func stateToken(s streamvetv1.State) string {
	return enumToken(streamvetv1.State_name[int32(s)], "STATE_", int32(s))
}

// enumToken is a value's name in lower case, or its number if it has none here.
func enumToken(name, prefix string, number int32) string {
	if name == "" {
		return strconv.Itoa(int(number))
	}
	return strings.ToLower(strings.TrimPrefix(name, prefix))
}
