package plainyaml

import (
	"regexp"
	"strings"
	"unicode"
)

var anyURL = regexp.MustCompile(`[A-Za-z][A-Za-z0-9+.-]*://\S*`)

// maxLegible bounds what is shown of a file, in bytes.
const maxLegible = 200

// Legible is a short text of a file as it may be shown: without URLs, which may hold
// secrets, and without what a terminal would obey.
func Legible(s string) string {
	s = anyURL.ReplaceAllString(s, "(URL)")
	if len(s) > maxLegible {
		s = s[:maxLegible] + "..."
	}
	return strings.Map(func(c rune) rune {
		if unicode.IsPrint(c) {
			return c
		}
		return unicode.ReplacementChar
	}, s)
}
