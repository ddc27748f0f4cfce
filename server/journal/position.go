package journal

import "time"

// Position is a place in the journal: the record that is read first.
type Position struct {
	at       place
	sequence uint64
	time     time.Time
}

type place int

const (
	atStart place = iota
	atNow
	atSequence
	atTime
)

// FromStart is the oldest record that is kept.
func FromStart() Position { return Position{at: atStart} }

// FromNow is behind the newest record.
func FromNow() Position { return Position{at: atNow} }

// FromSequence is the record with that sequence. To resume: the last one seen,
// plus 1.
func FromSequence(n uint64) Position { return Position{at: atSequence, sequence: n} }

// FromTime is the first record stored at t or later.
func FromTime(t time.Time) Position { return Position{at: atTime, time: t} }
