// Package spelling finds the name that somebody most likely meant, for errors
// that say so.
package spelling

// Nearest is the one of names that a writer of word most likely meant, "" if none
// is near.
func Nearest(word string, names []string) string {
	best, distance := "", 1+len(word)/3
	for _, n := range names {
		if d := Distance(word, n); d <= distance && (best == "" || d < distance) {
			best, distance = n, d
		}
	}
	return best
}

// Distance is Levenshtein's, of two short words: how many bytes must be put in,
// taken out or changed.
func Distance(a, b string) int {
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
