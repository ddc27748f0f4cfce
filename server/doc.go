// Package server wires what `streamvet serve` runs: the engine, the journal, the
// API over gRPC, and what machines ask over HTTP. It starts them in one place and
// ends them in one place:
//
//	start: state directory, access, engine, journal, sources, listeners
//	end:   no new sources; sources stop and their verdicts are stored; calls end;
//	       HTTP ends; the journal and the engine are closed
package server
