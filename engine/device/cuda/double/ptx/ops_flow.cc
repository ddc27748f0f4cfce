// Branches and ends.
#include "ops.h"

namespace ptx {
namespace {

void bra(Warp &w, const Instruction &i) { w.branch((uint32_t)i.number); }
void label(Warp &w, const Instruction &) { w.meet(); }
void end(Warp &w, const Instruction &) { w.end_active(); }
void trap(Warp &w, const Instruction &i) { w.fault(i, kLaunchFailed, __builtin_ctz(w.active), "trap"); }

} // namespace

void add_flow_ops(Table &t) {
  t["bra"] = t["bra.uni"] = {"l", {bra}};
  t["label"] = {"", {label}};
  t["exit"] = {"", {end}};
  t["trap"] = {"", {trap}};
}

const Table &table() {
  static const Table all = [] {
    Table t;
    add_integer_ops(t);
    add_float_ops(t);
    add_logic_ops(t);
    add_convert_ops(t);
    add_memory_ops(t);
    add_atomic_ops(t);
    add_warp_ops(t);
    add_flow_ops(t);
    return t;
  }();
  return all;
}

} // namespace ptx
