// Package sound scores decoded sound by closed forms: silence, dropouts, clipping,
// clicks, phase, dead channels, DC offset, and what EBU R128 reads.
//
// Everything runs on a clock of its own: blocks of any size are cut into hops of
// 10 ms, counted in samples, and every window is a whole number of hops. How a
// decoder cuts its blocks therefore never changes a score. What several measures
// need (levels per millisecond, a low-passed copy) is computed once per hop.
//
// It is pure: no goroutine, no wall clock, no I/O, no allocation in the steady state.
package sound
