// Makes a kernel of the text of an entry and of the functions that it calls, which are put
// where the calls are.
#include "decode.h"

#include "ops.h"

namespace ptx {
namespace {

// One function in the place where it runs.
struct Inlined {
  const Function *function;
  std::string prefix;                         // makes its names unique
  std::map<std::string, uint64_t> parameters; // addresses in local memory; for an entry offsets of arguments
  std::string end;                            // the label that ret goes to; none in an entry
};

class Decoder {
public:
  Decoder(const Text &text, const Module &module, const Function &entry) : text(text), module(module) {
    draft.kernel.name = entry.name;
    Inlined main{&entry, "", {}, ""};
    for (const Variable &p : entry.params) {
      size_t at = aligned(draft.kernel.parameter_bytes, p.align);
      main.parameters[p.name] = at;
      draft.kernel.parameters.push_back({at, p.bytes});
      draft.kernel.parameter_bytes = at + p.bytes;
    }
    function(main);
    emit_end();
    for (const auto &[number, label] : branches) {
      Instruction &i = draft.kernel.code[number];
      if (!labels.count(label)) throw Refusal(i.line, "no label " + label);
      i.number = labels[label];
    }
    for (Virtual &v : draft.registers)
      if (v.after_shared) v.bits += aligned(draft.kernel.shared_bytes, 16);
  }

  Kernel done() {
    place(draft);
    return std::move(draft.kernel);
  }

private:
  const Text &text;
  const Module &module;
  Draft draft;
  std::map<std::string, uint32_t> registers, predicates, labels;
  std::map<std::pair<uint64_t, bool>, uint32_t> constants;
  std::map<std::string, uint32_t> specials;
  std::map<std::string, uint64_t> addresses; // of variables, by unique name
  std::vector<std::pair<size_t, std::string>> branches;
  int calls = 0, depth = 0;

  static size_t aligned(size_t n, size_t to) { return to ? (n + to - 1) / to * to : n; }

  // ---- functions
  void function(const Inlined &in) {
    if (++depth > 16) throw Refusal(1, "calls of " + in.function->name + " nest without an end");
    for (const Variable &v : in.function->variables) variable(v, in.prefix);
    for (const Statement &s : in.function->body) statement(in, s);
    depth--;
  }

  void variable(const Variable &v, const std::string &prefix) {
    size_t &used = v.space == Space::Shared ? draft.kernel.shared_bytes : draft.kernel.local_bytes;
    uint64_t base = v.space == Space::Shared ? kSharedBase : kLocalBase;
    used = aligned(used, v.align);
    addresses[prefix + v.name] = base + used;
    used += v.bytes;
  }

  void statement(const Inlined &in, const Statement &s) {
    if (!s.label.empty()) return label(in.prefix + s.label, s.line);
    if (s.op == "call" || s.op == "call.uni") return call(in, s);
    if (s.op == "ret" || s.op == "ret.uni") return ret(in, s);
    Statement resolved = s;
    bool local_parameter = parameter_space(in, resolved);
    const Op &op = find(resolved);
    Instruction i = start(in, s);
    i.space = local_parameter ? Space::Local : space_of(resolved.op);
    i.access = s.op.compare(0, 2, "ld") == 0 ? Access::Read : s.op.compare(0, 2, "st") == 0 ? Access::Write : Access::Atomic;
    operands(in, resolved, op, i);
  }

  // ld.param and st.param mean the kernel's arguments, or, around calls, local memory.
  bool parameter_space(const Inlined &in, Statement &s) {
    size_t dot = s.op.find(".param");
    if (dot == std::string::npos || s.op.compare(0, 4, "cvta") == 0) return false;
    const std::string *name = nullptr;
    for (const Operand &o : s.operands)
      if (o.kind == Operand::Address) name = &o.name;
    bool argument = name && !in.prefix.size() && in.parameters.count(*name);
    if (argument && s.op[0] == 'l') return false;
    s.op.replace(dot, 6, ".local");
    return true;
  }

  static Space space_of(const std::string &op) {
    for (auto [word, space] : {std::pair{".global", Space::Global}, {".shared", Space::Shared}, {".local", Space::Local}, {".const", Space::Const}, {".param", Space::Param}})
      if (op.find(word) != std::string::npos) return space;
    return Space::Generic;
  }

  const Op &find(const Statement &s) {
    std::string name = s.op;
    if (name.compare(0, 4, "mov.") == 0 && s.operands.size() == 2) {
      if (s.operands[0].kind == Operand::Vector) name += " unpack";
      if (s.operands[1].kind == Operand::Vector) name += " pack";
    }
    auto it = table().find(name);
    if (it == table().end()) throw Refusal(s.line, "unknown instruction " + s.op);
    return it->second;
  }

  // ---- instructions
  Instruction start(const Inlined &in, const Statement &s) {
    Instruction i;
    i.line = s.line;
    i.guard_negated = s.guard_negated;
    if (!s.guard.empty()) i.guard = predicate(in, s.guard, s.line);
    return i;
  }

  void emit(Instruction i, std::vector<Use> uses, Flow flow = Flow::On) {
    i.index = (uint32_t)draft.kernel.code.size();
    draft.kernel.code.push_back(i);
    draft.uses.push_back(std::move(uses));
    draft.flow.push_back(flow);
  }

  void emit_named(const char *name, Instruction i, Flow flow) {
    i.run = table().at(name).run[0];
    emit(i, {}, flow);
  }

  void emit_end(Instruction i = {}) { emit_named("exit", i, Flow::End); }

  void label(const std::string &name, int line) {
    if (labels.count(name)) throw Refusal(line, "label " + name + " stands twice");
    labels[name] = (uint32_t)draft.kernel.code.size();
    Instruction i;
    i.line = line;
    i.counts = false;
    emit_named("label", i, Flow::On);
  }

  void branch(const std::string &to, Instruction i) {
    branches.push_back({draft.kernel.code.size(), to});
    emit_named("bra", i, Flow::Branch);
  }

  void ret(const Inlined &in, const Statement &s) {
    Instruction i = start(in, s);
    if (in.end.empty()) emit_end(i);
    else branch(in.end, i);
  }

  // call (result), name, (parameters): the callee's parameters are the caller's variables.
  void call(const Inlined &in, const Statement &s) {
    std::vector<const Operand *> lists;
    std::string name;
    for (const Operand &o : s.operands) {
      if (o.kind == Operand::List) lists.push_back(&o);
      else if (o.kind == Operand::Name && name.empty()) name = o.name;
    }
    auto it = text.functions.find(name);
    if (it == text.functions.end() || it->second.entry) throw Refusal(s.line, "call of unknown function " + name);
    const Function &callee = it->second;
    Inlined out{&callee, in.prefix + name + "@" + std::to_string(++calls) + ":", {}, ""};
    out.end = out.prefix + "end";
    std::vector<Variable> formal = callee.results;
    formal.insert(formal.end(), callee.params.begin(), callee.params.end());
    size_t n = 0;
    for (const Operand *list : lists)
      for (const Operand &actual : list->parts) {
        if (n == formal.size()) throw Refusal(s.line, "too many parameters for " + name);
        out.parameters[formal[n++].name] = local_parameter(in, actual.name, s.line);
      }
    if (n != formal.size()) throw Refusal(s.line, "too few parameters for " + name);
    if (!s.guard.empty()) {
      Instruction skip = start(in, s);
      skip.guard_negated = !skip.guard_negated;
      branch(out.end, skip);
    }
    function(out);
    label(out.end, s.line);
  }

  uint64_t local_parameter(const Inlined &in, const std::string &name, int line) {
    if (auto it = addresses.find(in.prefix + name); it != addresses.end()) return it->second;
    if (auto it = in.parameters.find(name); it != in.parameters.end() && in.prefix.size()) return it->second;
    throw Refusal(line, name + " cannot be passed to a function");
  }

  // ---- operands, by the letters of Op
  void operands(const Inlined &in, const Statement &s, const Op &op, Instruction &i) {
    std::vector<const Operand *> flat;
    for (const Operand &o : s.operands) {
      if (o.kind != Operand::Vector) flat.push_back(&o);
      else for (const Operand &part : o.parts) flat.push_back(&part);
    }
    std::vector<Use> uses;
    size_t next = 0, variant = 0, any = 0;
    uint8_t place = 0;
    Flow flow = s.op == "exit" || s.op == "trap" ? Flow::End : Flow::On;
    for (const char *c = op.operands; *c; c++) {
      if (*c == '(' || *c == ')') continue;
      if (next == flat.size()) throw Refusal(s.line, s.op + " has too few operands");
      const Operand &o = *flat[next++];
      switch (*c) {
      case 'a': address(in, s, o, i, uses); break;
      case 'l': branches.push_back({draft.kernel.code.size(), in.prefix + o.name}), flow = Flow::Branch; break;
      case 'i':
        if (o.kind != Operand::Number) throw Refusal(s.line, s.op + " needs a number");
        i.number = (int64_t)o.bits;
        break;
      case 'n': i.negated = o.negated; [[fallthrough]];
      case 'P':
      case 'p':
        if (o.negated && *c != 'n') throw Refusal(s.line, s.op + " reads no negated predicate");
        i.at[place++] = o.kind == Operand::Number && *c != 'P' ? constant_predicate(o.bits) : predicate(in, o.name, s.line);
        break;
      case 'D':
        i.at[place++] = predicate(in, o.name, s.line);
        i.at[place++] = o.second.empty() ? kNone : predicate(in, o.second, s.line);
        break;
      case 'S':
        value(in, s, o, 32, true, i, place++, uses);
        i.at[place++] = o.second.empty() ? kNone : predicate(in, o.second, s.line);
        break;
      case '>':
      case '<': {
        int bits = (c[1] - '0') * 8;
        if (is_wide(in, o, bits) && any < 2) variant |= 1u << any;
        any++;
        value(in, s, o, -bits, *c == '>', i, place++, uses);
        c++;
        break;
      }
      default: value(in, s, o, strchr("Hh", *c) ? 16 : strchr("Ww", *c) ? 32 : 64, *c < 'a', i, place++, uses);
      }
    }
    if (next != flat.size()) throw Refusal(s.line, s.op + " has too many operands");
    i.run = op.run[variant];
    if (!i.run) throw Refusal(s.line, s.op + " with registers of this width");
    emit(i, std::move(uses), flow);
  }

  bool is_wide(const Inlined &in, const Operand &o, int bits) {
    auto it = in.function->registers.find(o.name);
    return it == in.function->registers.end() ? bits == 64 : it->second == 64;
  }

  // value places a register, a number or an address of a variable. bits is the width, or at
  // least that when it is negative.
  void value(const Inlined &in, const Statement &s, const Operand &o, int bits, bool write, Instruction &i, uint8_t place, std::vector<Use> &uses) {
    bool at_least = bits < 0;
    bits = at_least ? -bits : bits;
    auto it = in.function->registers.find(o.name);
    if (it == in.function->registers.end()) {
      if (write) throw Refusal(s.line, s.op + " cannot write to " + (o.name.empty() ? "a number" : o.name));
      i.at[place] = constant_or_special(in, s, o, bits == 64);
      uses.push_back({place, false});
      return;
    }
    if (at_least ? it->second < bits : it->second != bits) throw Refusal(s.line, s.op + ": register " + o.name + " has " + std::to_string(it->second) + " bits");
    i.at[place] = virtual_register(in.prefix + o.name, it->second == 64);
    uses.push_back({place, write});
  }

  uint32_t constant_or_special(const Inlined &in, const Statement &s, const Operand &o, bool wide) {
    if (o.kind == Operand::Number) return constant(o.bits, wide);
    if (o.name[0] == '%') return special(o.name, wide, s.line);
    if (!wide) throw Refusal(s.line, "the address of " + o.name + " has 64 bits");
    return symbol(in, o.name, o.offset, s.line);
  }

  void address(const Inlined &in, const Statement &s, const Operand &o, Instruction &i, std::vector<Use> &uses) {
    if (o.kind != Operand::Address) throw Refusal(s.line, s.op + " needs an address");
    i.number = o.offset;
    if (i.space == Space::Param) {
      i.number += (int64_t)in.parameters.at(o.name);
      check_argument(in, s, o);
      return;
    }
    auto it = in.function->registers.find(o.name);
    if (it == in.function->registers.end()) {
      i.at[4] = o.name.empty() ? constant(0, true) : symbol(in, o.name, 0, s.line);
      uses.push_back({4, false});
      return;
    }
    if (it->second != 64) throw Refusal(s.line, "the address in " + o.name + " has not 64 bits");
    i.at[4] = virtual_register(in.prefix + o.name, true);
    uses.push_back({4, false});
  }

  // check_argument refuses a load that reaches past its parameter.
  void check_argument(const Inlined &in, const Statement &s, const Operand &o) {
    size_t bytes = (size_t)atoi(s.op.c_str() + s.op.find_last_not_of("0123456789") + 1) / 8, count = 1;
    if (s.op.find(".v2") != std::string::npos) count = 2;
    if (s.op.find(".v4") != std::string::npos) count = 4;
    for (const Variable &p : in.function->params)
      if (p.name == o.name && (o.offset < 0 || o.offset + bytes * count > p.bytes)) throw Refusal(s.line, s.op + " reaches past parameter " + o.name);
  }

  uint32_t predicate(const Inlined &in, const std::string &name, int line) {
    auto it = in.function->registers.find(name);
    if (it == in.function->registers.end() || it->second != 1) throw Refusal(line, name + " is no predicate");
    auto [found, fresh] = predicates.try_emplace(in.prefix + name, draft.kernel.predicates);
    if (fresh) draft.kernel.predicates++;
    return found->second;
  }

  uint32_t constant_predicate(bool yes) {
    uint32_t &p = yes ? draft.kernel.always : draft.kernel.never;
    if (p == kNone) p = draft.kernel.predicates++;
    return p;
  }

  uint32_t virtual_register(const std::string &name, bool wide) {
    auto [found, fresh] = registers.try_emplace(name, (uint32_t)draft.registers.size());
    if (fresh) draft.registers.push_back({wide, Virtual::Plain, 0, Special::TidX, false});
    return found->second;
  }

  uint32_t constant(uint64_t bits, bool wide, bool after_shared = false) {
    if (!wide) bits = (uint32_t)bits;
    auto [found, fresh] = constants.try_emplace({bits, wide}, (uint32_t)draft.registers.size());
    if (after_shared) fresh = true;
    uint32_t number = after_shared ? (uint32_t)draft.registers.size() : found->second;
    if (fresh) draft.registers.push_back({wide, Virtual::IsConstant, bits, Special::TidX, after_shared});
    return number;
  }

  uint32_t special(const std::string &name, bool wide, int line) {
    static const std::map<std::string, Special> known{
        {"%tid.x", Special::TidX}, {"%tid.y", Special::TidY}, {"%tid.z", Special::TidZ}, {"%ntid.x", Special::NtidX}, {"%ntid.y", Special::NtidY}, {"%ntid.z", Special::NtidZ},
        {"%ctaid.x", Special::CtaidX}, {"%ctaid.y", Special::CtaidY}, {"%ctaid.z", Special::CtaidZ}, {"%nctaid.x", Special::NctaidX}, {"%nctaid.y", Special::NctaidY}, {"%nctaid.z", Special::NctaidZ},
        {"%laneid", Special::LaneId}, {"%warpid", Special::WarpId}, {"%nwarpid", Special::WarpCount}, {"%lanemask_eq", Special::LanemaskEq}, {"%lanemask_lt", Special::LanemaskLt},
        {"%lanemask_le", Special::LanemaskLe}, {"%lanemask_gt", Special::LanemaskGt}, {"%lanemask_ge", Special::LanemaskGe}, {"%clock", Special::Clock}, {"%clock64", Special::Clock}};
    auto it = known.find(name);
    if (it == known.end()) throw Refusal(line, "unknown register " + name);
    auto [found, fresh] = specials.try_emplace(name + (wide ? " wide" : ""), (uint32_t)draft.registers.size());
    if (fresh) draft.registers.push_back({wide, Virtual::IsSpecial, 0, it->second});
    return found->second;
  }

  // symbol is a constant: the address of a variable of the function or of the module.
  uint32_t symbol(const Inlined &in, const std::string &name, int64_t offset, int line) {
    if (auto it = addresses.find(in.prefix + name); it != addresses.end()) return constant(it->second + offset, true);
    if (auto it = in.parameters.find(name); it != in.parameters.end() && in.prefix.size()) return constant(it->second + offset, true);
    if (auto it = module.variables.find(name); it != module.variables.end()) return constant(it->second.first + offset, true);
    for (const Variable &v : text.variables) {
      if (v.name != name) continue;
      if (v.extent_at_launch) return constant(kSharedBase + offset, true, true);
      auto it = addresses.find(name);
      if (it == addresses.end()) variable(v, ""); // shared memory of the module: each kernel has what it uses
      return constant(addresses.at(name) + offset, true);
    }
    throw Refusal(line, "unknown name " + name);
  }
};

// ---- variables of the module
void allocate(const Text &text, const Allocate &memory, Module &m) {
  for (const Variable &v : text.variables) {
    if (v.space != Space::Global && v.space != Space::Const) continue;
    uint64_t at = memory(v.bytes, v.align);
    if (!at) throw std::bad_alloc();
    memset(reinterpret_cast<void *>(at), 0, v.bytes);
    memcpy(reinterpret_cast<void *>(at), v.init.data(), v.init.size());
    m.variables[v.name] = {at, v.bytes};
  }
}

} // namespace

Module compile(const Text &text, const Allocate &memory) {
  Module m;
  allocate(text, memory, m);
  for (const auto &[name, f] : text.functions)
    if (f.entry) m.kernels[name] = Decoder(text, m, f).done();
  return m;
}

} // namespace ptx
