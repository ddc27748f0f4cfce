// Thirty-two lanes in step. Lanes that branch apart form groups; the group that is
// furthest behind runs first, so that groups meet again.
#pragma once
#include <stdexcept>

#include "program.h"

namespace ptx {

// What stops a grid: the CUresult, and the story for people.
struct Fault : std::runtime_error {
  int code;
  Fault(int code, const std::string &what) : std::runtime_error(what), code(code) {}
};
constexpr int kIllegalAddress = 700, kMisaligned = 716, kLaunchFailed = 719, kTimeout = 702;

struct Range {
  uint64_t base = 0, size = 0;
};

// Which allocation holds an address; size 0 for none.
using Lookup = std::function<Range(uint64_t)>;

class Block;

struct Group {
  enum State : uint8_t { Ready, WaitsForLanes, AtBarrier };
  uint32_t pc, mask;
  State state = Ready;
  uint64_t barrier = 0;               // which barrier
  const Instruction *reduce = nullptr; // a bar.red that wants the result
};

class Warp {
public:
  // What the instructions use.
  uint32_t active = 0; // lanes for which the instruction runs
  uint32_t mask = 0;   // lanes of the group
  uint32_t pc = 0;     // of the next instruction
  uint8_t *file = nullptr;
  uint32_t *predicates = nullptr;
  Block *block = nullptr;
  std::vector<Group> others; // groups that do not run now
  int number = 0;            // in the block
  bool releasing = false;    // a bar.red runs for its result
  uint32_t time = 0;         // barriers of this warp alone

  template <class T> T *slot(uint32_t at) { return reinterpret_cast<T *>(file + at); }
  template <class F> void each(F f) const {
    if (active == UINT32_MAX) {
#pragma GCC ivdep
      for (int l = 0; l < kLanes; l++) f(l);
    } else {
      for (uint32_t m = active; m; m &= m - 1) f(__builtin_ctz(m));
    }
  }

  void start(uint32_t lanes, uint32_t entry);
  void run();                // until no group is ready
  uint32_t alive() const;    // lanes that have not ended
  bool waits_for_lanes() const;

  // Control flow, for the instructions.
  void branch(uint32_t target);
  void meet();               // at a label
  void end_active();
  void park(Group::State, uint32_t pc, uint64_t barrier = 0, const Instruction *reduce = nullptr);
  bool gather(const Instruction &, uint32_t members); // false: others are waited for
  void release();            // from a barrier

  // Memory: the host's address of size bytes, checked.
  uint8_t *address(const Instruction &, uint64_t a, size_t size, int lane);
  [[noreturn]] void fault(const Instruction &, int code, int lane, const std::string &what) const;

  uint64_t executed = 0;

private:
  bool running = false;
  bool pick();
  void yield();
  uint8_t *in_shared(const Instruction &, size_t at, size_t size, int lane);
  uint8_t *windowed(const Instruction &, uint64_t a, size_t size, int lane);
};

} // namespace ptx
