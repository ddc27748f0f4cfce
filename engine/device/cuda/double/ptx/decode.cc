// Makes a kernel of the text of an entry and of the functions that it calls, which are put
// where the calls are.
#include "names.h"
#include "ops.h"

namespace ptx {
namespace {

class Decoder {
public:
  Decoder(const Text &text, const Module &module) : text(text), names(text, module, draft) {}

  Kernel entry(const Function &f) {
    draft.kernel.name = f.name;
    Inlined main{&f, "", {}, ""};
    for (const Variable &p : f.params) {
      size_t at = aligned(draft.kernel.parameter_bytes, p.align);
      main.parameters[p.name] = at;
      draft.kernel.parameters.push_back({at, p.bytes});
      draft.kernel.parameter_bytes = at + p.bytes;
    }
    function(main);
    emit_end();
    resolve_branches();
    names.finish();
    place(draft);
    return std::move(draft.kernel);
  }

private:
  const Text &text;
  Draft draft;
  Names names;
  std::map<std::string, uint32_t> labels;
  std::vector<std::pair<size_t, std::string>> branches; // which instruction, to where
  int calls = 0, depth = 0;

  void resolve_branches() {
    for (const auto &[number, label] : branches) {
      Instruction &i = draft.kernel.code[number];
      if (!labels.count(label)) throw Refusal(i.line, "no label " + label);
      i.number = labels[label];
    }
  }

  // ---- functions
  void function(const Inlined &in) {
    if (++depth > 16) throw Refusal(1, "calls of " + in.function->name + " nest without an end");
    for (const Variable &v : in.function->variables) names.declare(v, in.prefix);
    for (const Statement &s : in.function->body) statement(in, s);
    depth--;
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
    for (const auto &[word, space] : kSpaces)
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
    if (!s.guard.empty()) i.guard = names.predicate(in, s.guard, s.line);
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
        out.parameters[formal[n++].name] = names.passed(in, actual.name, s.line);
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
        i.at[place++] = o.kind == Operand::Number && *c != 'P' ? names.constant_predicate(o.bits) : names.predicate(in, o.name, s.line);
        break;
      case 'D':
        i.at[place++] = names.predicate(in, o.name, s.line);
        i.at[place++] = o.second.empty() ? kNone : names.predicate(in, o.second, s.line);
        break;
      case 'S':
        value(in, s, o, 32, true, i, place++, uses);
        i.at[place++] = o.second.empty() ? kNone : names.predicate(in, o.second, s.line);
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
      i.at[place] = names.constant_or_special(in, o, bits == 64, s.line);
      uses.push_back({place, false});
      return;
    }
    bool fits = at_least ? it->second >= bits : it->second == bits;
    if (!fits) throw Refusal(s.line, s.op + ": register " + o.name + " has " + std::to_string(it->second) + " bits");
    i.at[place] = names.virtual_register(in.prefix + o.name, it->second == 64);
    uses.push_back({place, write});
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
      i.at[4] = o.name.empty() ? names.constant(0, true) : names.symbol(in, o.name, 0, s.line);
      uses.push_back({4, false});
      return;
    }
    if (it->second != 64) throw Refusal(s.line, "the address in " + o.name + " has not 64 bits");
    i.at[4] = names.virtual_register(in.prefix + o.name, true);
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
    if (f.entry) m.kernels[name] = Decoder(text, m).entry(f);
  return m;
}

} // namespace ptx
