package config

import "strings"

// nearest is the name that a writer most likely meant, "" if none is near.
func nearest(word string, names []string) string {
	if len(word) > 64 {
		return ""
	}
	best, distance := "", 1+len(word)/3
	for _, n := range names {
		if d := edits(word, n); d <= distance && (best == "" || d < distance) {
			best, distance = n, d
		}
	}
	for i := 0; best == "" && len(word) > 1 && i < len(names); i++ {
		if strings.HasPrefix(names[i], word) { // it was cut short
			best = names[i]
		}
	}
	return best
}

// edits is the Levenshtein distance of two short words.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, diagonal+1, row[j]+1)
		}
	}
	return row[len(b)]
}
