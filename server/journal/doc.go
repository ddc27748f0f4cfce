// Package journal keeps verdicts. Append returns when a verdict is synced to
// disk; followers then get it in order, each once, live or years later, by one
// path. It stands on NATS JetStream: a server inside this process by default,
// without any listener, or a cluster outside by its address.
//
// What a follower sees is never taken back: a record is shown only once it is on
// disk. Followers that keep up share one tail in memory; those that do not read
// from the disk in small pieces, so that a slow one costs no memory.
//
// A disk that is full, read-only or gone is a State, not an end: Append fails
// with ErrFull, ErrReadOnly or ErrUnavailable, nothing acknowledged is lost, and
// the journal goes on by itself when it can. docs/journal.md says more.
package journal
