// Package infer runs networks: ONNX Runtime sessions bound to our own memory.
// It is the only importer of onnxruntime_go; a small shim adds the calls that
// the wrapper lacks, over the same loaded library.
//
// The order of things: Open the Library once a process, Load a Session for each
// network at the place where it runs, Bind it to each tensor that a batcher fills,
// Start the Binding and Finish it (or Run it, which is both).
//
// ONNX Runtime 1.29 leaks about 2 KB in each failing call, so nothing that can
// be checked here is left to it: shapes, types and sizes are checked when a
// session is loaded and when it is bound, and Run cannot be asked for anything
// that was not tried before.
//
// On a GPU see Provider, program and gpus; docs/architecture.md has the reasons.
package infer
