// What the names in a function stand for: virtual registers, predicates, constants.
#pragma once
#include "decode.h"

namespace ptx {

// One function in the place where it runs.
struct Inlined {
  const Function *function;
  std::string prefix;                         // makes its names unique; none for an entry
  std::map<std::string, uint64_t> parameters; // addresses in local memory; for an entry offsets of arguments
  std::string end;                            // the label that ret goes to; none in an entry
};

inline size_t aligned(size_t n, size_t to) { return to ? (n + to - 1) / to * to : n; }

class Names {
public:
  Names(const Text &text, const Module &module, Draft &draft) : text(text), module(module), draft(draft) {}

  // declare gives a variable of a function its place in shared or local memory.
  void declare(const Variable &, const std::string &prefix);
  // passed is where a parameter lies that one function passes to another.
  uint64_t passed(const Inlined &, const std::string &name, int line) const;

  uint32_t predicate(const Inlined &, const std::string &name, int line);
  uint32_t constant_predicate(bool);
  uint32_t virtual_register(const std::string &unique_name, bool wide);
  uint32_t constant(uint64_t bits, bool wide);
  uint32_t constant_or_special(const Inlined &, const Operand &, bool wide, int line);
  // symbol is a constant: the address of a variable of the function or of the module.
  uint32_t symbol(const Inlined &, const std::string &name, int64_t offset, int line);

  // finish settles addresses that depend on how much shared memory there is in all.
  void finish();

private:
  const Text &text;
  const Module &module;
  Draft &draft;
  std::map<std::string, uint32_t> registers, predicates, specials;
  std::map<std::pair<uint64_t, bool>, uint32_t> constants;
  std::map<std::string, uint64_t> addresses; // of variables, by unique name

  uint32_t add(Virtual);
  uint32_t special(const std::string &name, bool wide, int line);
};

} // namespace ptx
