// A PTX kernel made runnable: every instruction is a function and the places of
// its operands in a warp's file of registers.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "race.h"
#include "text.h"

namespace ptx {

class Warp;
struct Instruction;
using Run = void (*)(Warp &, const Instruction &);

constexpr int kLanes = 32;
constexpr int kOperands = 6;
constexpr uint32_t kNone = UINT32_MAX;

struct Instruction {
  Run run = nullptr;
  uint32_t at[kOperands] = {};  // where operands lie: bytes in the file, or the number of a predicate
  int64_t number = 0;           // offset of an address, target of a branch, what else an instruction needs
  uint32_t guard = kNone;       // the predicate that it runs under
  bool guard_negated = false;
  bool negated = false;         // the predicate that it reads
  Space space = Space::Generic; // of a load, a store or an atomic; and which of them it is
  Access access = Access::Read;
  bool counts = true;           // a label is no instruction
  int line = 0;
  uint32_t index = 0;           // of itself
};

// Where the shared and the local memory of a thread appear among its addresses.
constexpr uint64_t kSharedBase = 0x0100000000000000, kLocalBase = 0x0200000000000000;

struct Parameter {
  size_t offset, bytes;
};

// What a warp finds in its file before the first instruction: constants are the
// same for all lanes, special registers depend on the place in the grid.
struct Constant {
  uint32_t at;
  bool wide;
  uint64_t bits;
};
enum class Special : uint8_t {
  TidX, TidY, TidZ, NtidX, NtidY, NtidZ, CtaidX, CtaidY, CtaidZ, NctaidX, NctaidY, NctaidZ,
  LaneId, WarpId, WarpCount, LanemaskEq, LanemaskLt, LanemaskLe, LanemaskGt, LanemaskGe, Clock,
};
struct SpecialUse {
  uint32_t at;
  bool wide;
  Special what;
};

struct Kernel {
  std::string name;
  std::vector<Parameter> parameters;
  size_t parameter_bytes = 0;
  std::vector<Instruction> code;
  std::vector<Constant> constants;
  std::vector<SpecialUse> specials;
  size_t file_bytes = 0; // of a warp
  uint32_t predicates = 0, never = kNone, always = kNone; // never and always: predicates that are constants
  size_t shared_bytes = 0, local_bytes = 0;
};

// Memory for the variables of a module, in device memory.
using Allocate = std::function<uint64_t(size_t bytes, size_t align)>;

struct Module {
  std::map<std::string, Kernel> kernels;
  std::map<std::string, std::pair<uint64_t, size_t>> variables; // address and size
};

// Throws Refusal for what it does not know.
Module compile(const Text &, const Allocate &);

} // namespace ptx
