// Races in shared memory: two threads touch a byte, one of them writes, and no barrier stands between. Threads here run
// one after the other and would never lose such a race; on a GPU they do.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

namespace ptx {

enum class Access : uint8_t { Read, Write, Atomic };

// When and by whom a byte was touched. Times count barriers: of the block (bar.sync) and of the warp
// (bar.warp.sync), which order memory; shuffles and votes do not.
struct Moment {
  uint32_t block_time = 0, warp_time = 0; // block_time 0: never
  uint32_t instruction = 0;
  int thread = -1, warp = -1; // -1: several
};

class Races {
public:
  void resize(size_t bytes) { cells.resize(bytes); }
  void barrier() { block_time++; } // also before each block

  // touch notes an access to bytes from at on; false if it races with one before.
  bool touch(Access, size_t at, size_t bytes, Moment now);

private:
  struct Cell {
    Moment write, read;
    bool atomic = false; // the write was
  };
  std::vector<Cell> cells;
  uint32_t block_time = 0;

  bool touch(Access, Cell &, const Moment &now) const;
};

} // namespace ptx
