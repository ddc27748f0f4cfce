// Runs all blocks of a launch, on all threads of the host.
#pragma once
#include "block.h"

namespace ptx {

// Gives the number of instructions that were executed, counted for every lane.
// Throws the first Fault; which of several that is, chance decides.
uint64_t run_grid(const Launch &, unsigned threads);

} // namespace ptx
