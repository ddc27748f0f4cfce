// Between text and program: instructions whose operands still name virtual registers.
#pragma once
#include <vector>

#include "program.h"

namespace ptx {

// What an instruction does with the virtual register in at[operand].
struct Use {
  uint8_t operand;
  bool write;
};

// A register of the file of a warp before it has a place there.
struct Virtual {
  bool wide = false;
  enum Kind : uint8_t { Plain, IsConstant, IsSpecial } kind = Plain;
  uint64_t bits = 0;              // of a constant
  Special special = Special::TidX;
  bool after_shared = false;      // a constant that is the address of what follows all static shared memory
};

enum class Flow : uint8_t { On, Branch, End };

struct Draft {
  Kernel kernel;
  std::vector<Virtual> registers;
  std::vector<std::vector<Use>> uses; // by instruction
  std::vector<Flow> flow;             // by instruction: where it goes, unless its guard keeps it from running
};

// place gives every virtual register its place in the file, the same one to registers
// that do not live at the same time.
void place(Draft &);

} // namespace ptx
