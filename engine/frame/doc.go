// Package frame says what a decoded picture or block of sound is, what the
// device measured on it, and who gives it back. It imports nothing of ours and
// no cgo: every other room speaks in its words.
package frame
