package config

import (
	"strings"

	"github.com/streamvet/streamvet/spelling"
)

// nearest is the name that a writer most likely meant, "" if none is near.
func nearest(word string, names []string) string {
	if len(word) > 64 {
		return ""
	}
	best := spelling.Nearest(word, names)
	for i := 0; best == "" && len(word) > 1 && i < len(names); i++ {
		if strings.HasPrefix(names[i], word) { // it was cut short
			best = names[i]
		}
	}
	return best
}
