// Package verdict turns scores over time into verdicts. It is pure: no
// goroutine, no wall clock (time is media time), no I/O. The same scores give
// the same verdicts on any machine at any speed.
package verdict
