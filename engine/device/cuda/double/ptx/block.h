// A block of threads on one thread of the host, and the grid of all blocks.
#pragma once
#include <array>
#include <memory>

#include "warp.h"

namespace ptx {

struct Dim {
  uint32_t x, y, z;
  uint64_t count() const { return (uint64_t)x * y * z; }
};

struct Launch {
  const Kernel *kernel;
  Dim grid, block;
  std::vector<uint8_t> arguments;
  size_t dynamic_shared = 0;
  Lookup lookup;
  uint64_t budget = UINT64_MAX; // instructions of one warp
};

// What one thread of the host keeps from block to block.
class Block {
public:
  explicit Block(const Launch &);
  void run(uint64_t index); // throws Fault
  uint64_t executed() const;

  const Launch &launch;
  const Kernel &kernel;
  Dim place{};                       // of this block in the grid
  std::vector<uint8_t> shared, local;
  Races races;                       // in shared memory
  std::vector<Range> ranges;         // by instruction: the allocation that it touched last
  std::vector<Warp> warps;

  // bar.red: what all threads of the barrier brought.
  uint32_t votes = 0, voters = 0;

  std::string thread(int warp, int lane) const; // for people
  size_t local_bytes() const { return kernel.local_bytes; }

private:
  std::vector<uint8_t> files;
  std::vector<uint32_t> predicates;
  size_t spread; // bytes from file to file

  void fill_constants();
  void fill_specials(Warp &);
  bool release_barrier();
};

} // namespace ptx
