// Package batch gathers rows from many sources into batches. It knows slots and
// payloads only; the tensors themselves belong to the caller, who numbers them.
//
// A row's way: a source acquires a slot, writes the row of that tensor, commits
// it with its payload (who and when it is). The consumer takes batches with Next,
// runs them, and gives the tensor back with Done:
//
//	sources                         lane                      consumer
//	Acquire -> write -> Commit      filling tensor 1          Next -> run tensor 0 -> Done
//
// The package is pure Go without cgo and starts no goroutine.
package batch
