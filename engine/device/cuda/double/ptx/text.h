// A PTX module as its text says it, before anything is made runnable of it.
#pragma once
#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace ptx {

// What is wrong with a module, with the line. The driver gives it as its JIT log.
struct Refusal : std::runtime_error {
  Refusal(int line, const std::string &what) : std::runtime_error("line " + std::to_string(line) + ": " + what) {}
};

enum class Space : uint8_t { Generic, Global, Const, Shared, Local, Param };
extern const std::map<std::string, Space> kSpaces; // by the word for them

struct Operand {
  enum Kind : uint8_t { Register, Number, Name, Address, Vector, List } kind;
  explicit Operand(Kind k) : kind(k) {}
  std::string name;           // of a register, a variable, a label, or what an address starts from
  uint64_t bits = 0;          // of a number; a number of 32 bits or less fits the low half
  int64_t offset = 0;         // of an address
  std::string second;         // the predicate after '|'
  bool negated = false;       // '!' before a predicate
  std::vector<Operand> parts; // of a vector {a, b} or a list (a, b)
};

struct Statement {
  int line;
  std::string label; // a place, and no instruction
  std::string guard; // @p
  bool guard_negated = false;
  std::string op;
  std::vector<Operand> operands;
};

struct Variable {
  std::string name;
  Space space;
  size_t align, bytes;
  bool extent_at_launch = false; // extern .shared x[]
  std::vector<uint8_t> init;
};

// Widths of registers in bits; a predicate has 1.
using Registers = std::map<std::string, int>;

struct Function {
  std::string name;
  bool entry = false;
  std::vector<Variable> results, params, variables;
  Registers registers;
  std::vector<Statement> body;
};

struct Text {
  int version = 0; // 63 for 6.3
  int target = 0;  // 75 for sm_75
  std::vector<Variable> variables;
  std::map<std::string, Function> functions;
};

Text parse(const std::string &source);

} // namespace ptx
