// Package trial tries a detector before it is served: on generated pictures of
// several sizes, or sound of several rates, through the engine itself. What vet and
// serve would meet later shows here: a network that is not what its manifest says,
// sizes that it does not take, values that are none, scores that depend on the batch,
// a rule that can never raise anything.
//
// Generated material says nothing of how well a detector finds its defect: that is
// measured on clips (docs/eval.md).
package trial
