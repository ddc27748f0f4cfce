package journal

import "testing"

func TestAppendAndFollow(t *testing.T) {
	j := begin(t, testOptions(t, t.TempDir()))
	f := follow(t, j, FromStart(), Filter{})
	for n := 1; n <= 300; n++ {
		if got := appendOne(t, j, verdict("a", n)); got != uint64(n) {
			t.Fatalf("record %d has sequence %d", n, got)
		}
	}
	fill(t, j, "b", 1, 1000)
	for n := 1; n <= 1300; n++ {
		if r := nextRecord(t, f); r.Sequence != uint64(n) {
			t.Fatalf("got %d, want %d", r.Sequence, n)
		}
	}
}
