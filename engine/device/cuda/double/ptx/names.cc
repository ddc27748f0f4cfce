#include "names.h"

namespace ptx {

void Names::declare(const Variable &v, const std::string &prefix) {
  bool shared = v.space == Space::Shared;
  size_t &used = shared ? draft.kernel.shared_bytes : draft.kernel.local_bytes;
  used = aligned(used, v.align);
  addresses[prefix + v.name] = (shared ? kSharedBase : kLocalBase) + used;
  used += v.bytes;
}

uint64_t Names::passed(const Inlined &in, const std::string &name, int line) const {
  if (auto it = addresses.find(in.prefix + name); it != addresses.end()) return it->second;
  if (auto it = in.parameters.find(name); it != in.parameters.end() && !in.prefix.empty()) return it->second;
  throw Refusal(line, name + " cannot be passed to a function");
}

uint32_t Names::add(Virtual v) {
  draft.registers.push_back(v);
  return (uint32_t)draft.registers.size() - 1;
}

uint32_t Names::predicate(const Inlined &in, const std::string &name, int line) {
  auto it = in.function->registers.find(name);
  if (it == in.function->registers.end() || it->second != 1) throw Refusal(line, name + " is no predicate");
  auto [found, fresh] = predicates.try_emplace(in.prefix + name, draft.kernel.predicates);
  if (fresh) draft.kernel.predicates++;
  return found->second;
}

uint32_t Names::constant_predicate(bool yes) {
  uint32_t &p = yes ? draft.kernel.always : draft.kernel.never;
  if (p == kNone) p = draft.kernel.predicates++;
  return p;
}

uint32_t Names::virtual_register(const std::string &name, bool wide) {
  auto [found, fresh] = registers.try_emplace(name, 0);
  if (fresh) found->second = add({wide, Virtual::Plain});
  return found->second;
}

uint32_t Names::constant(uint64_t bits, bool wide) {
  if (!wide) bits = (uint32_t)bits;
  auto [found, fresh] = constants.try_emplace({bits, wide}, 0);
  if (fresh) found->second = add({wide, Virtual::IsConstant, bits});
  return found->second;
}

uint32_t Names::constant_or_special(const Inlined &in, const Operand &o, bool wide, int line) {
  if (o.kind == Operand::Number) return constant(o.bits, wide);
  if (o.name[0] == '%') return special(o.name, wide, line);
  if (!wide) throw Refusal(line, "the address of " + o.name + " has 64 bits");
  return symbol(in, o.name, o.offset, line);
}

uint32_t Names::special(const std::string &name, bool wide, int line) {
  using S = Special;
  static const std::map<std::string, Special> known{
      {"%tid.x", S::TidX},           {"%tid.y", S::TidY},           {"%tid.z", S::TidZ},
      {"%ntid.x", S::NtidX},         {"%ntid.y", S::NtidY},         {"%ntid.z", S::NtidZ},
      {"%ctaid.x", S::CtaidX},       {"%ctaid.y", S::CtaidY},       {"%ctaid.z", S::CtaidZ},
      {"%nctaid.x", S::NctaidX},     {"%nctaid.y", S::NctaidY},     {"%nctaid.z", S::NctaidZ},
      {"%laneid", S::LaneId},        {"%warpid", S::WarpId},        {"%nwarpid", S::WarpCount},
      {"%lanemask_eq", S::LanemaskEq}, {"%lanemask_lt", S::LanemaskLt}, {"%lanemask_le", S::LanemaskLe},
      {"%lanemask_gt", S::LanemaskGt}, {"%lanemask_ge", S::LanemaskGe},
      {"%clock", S::Clock},          {"%clock64", S::Clock},
  };
  auto it = known.find(name);
  if (it == known.end()) throw Refusal(line, "unknown register " + name);
  auto [found, fresh] = specials.try_emplace(name + (wide ? " wide" : ""), 0);
  if (fresh) found->second = add({wide, Virtual::IsSpecial, 0, it->second});
  return found->second;
}

uint32_t Names::symbol(const Inlined &in, const std::string &name, int64_t offset, int line) {
  if (auto it = addresses.find(in.prefix + name); it != addresses.end()) return constant(it->second + offset, true);
  if (auto it = in.parameters.find(name); it != in.parameters.end() && !in.prefix.empty()) return constant(it->second + offset, true);
  if (auto it = module.variables.find(name); it != module.variables.end()) return constant(it->second.first + offset, true);
  for (const Variable &v : text.variables) {
    if (v.name != name) continue;
    if (v.extent_at_launch) return add({true, Virtual::IsConstant, kSharedBase + offset, Special::TidX, true});
    if (!addresses.count(name)) declare(v, ""); // shared memory of the module: each kernel has what it uses
    return constant(addresses.at(name) + offset, true);
  }
  throw Refusal(line, "unknown name " + name);
}

void Names::finish() {
  for (Virtual &v : draft.registers)
    if (v.after_shared) v.bits += aligned(draft.kernel.shared_bytes, 16);
}

} // namespace ptx
