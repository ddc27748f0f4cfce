// atom and red. Blocks run on several threads of the host, so these are real atomics there.
#include "ops.h"

#include <algorithm>

namespace ptx {
namespace {

struct Add {
  template <class T> static T of(T a, T b) {
    if constexpr (std::is_floating_point_v<T>) return a + b;
    else return (T)((Slot<T>)a + (Slot<T>)b);
  }
};
struct Min { template <class T> static T of(T a, T b) { return std::min(a, b); } };
struct Max { template <class T> static T of(T a, T b) { return std::max(a, b); } };
struct And { template <class T> static T of(T a, T b) { return a & b; } };
struct Or { template <class T> static T of(T a, T b) { return a | b; } };
struct Xor { template <class T> static T of(T a, T b) { return a ^ b; } };
struct Exchange { template <class T> static T of(T, T b) { return b; } };
struct Increase { template <class T> static T of(T a, T b) { return a >= b ? 0 : a + 1; } };
struct Decrease { template <class T> static T of(T a, T b) { return a == 0 || a > b ? b : a - 1; } };

// update replaces what lies at p by f of it, and gives what it was.
template <class S, class F> S update(uint8_t *p, F f) {
  S *cell = reinterpret_cast<S *>(p), old = __atomic_load_n(cell, __ATOMIC_RELAXED);
  while (!__atomic_compare_exchange_n(cell, &old, f(old), true, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
  }
  return old;
}

template <class T, class O> Slot<T> step(Warp &w, const Instruction &i, int l, Slot<T> b) {
  uint8_t *p = w.address(i, w.slot<uint64_t>(i.at[4])[l] + (uint64_t)i.number, sizeof(T), l);
  return update<Slot<T>>(p, [=](Slot<T> a) { return to_slot<T>(O::template of<T>(from_slot<T>(a), from_slot<T>(b))); });
}

template <class T, class O> void red(Warp &w, const Instruction &i) {
  const auto *b = w.slot<Slot<T>>(i.at[0]);
  w.each([&](int l) { step<T, O>(w, i, l, b[l]); });
}
template <class T, class O> void atom(Warp &w, const Instruction &i) {
  auto *d = w.slot<Slot<T>>(i.at[0]);
  const auto *b = w.slot<Slot<T>>(i.at[1]);
  w.each([&](int l) { d[l] = step<T, O>(w, i, l, b[l]); });
}
template <class T> void cas(Warp &w, const Instruction &i) {
  T *d = w.slot<T>(i.at[0]);
  const T *b = w.slot<T>(i.at[1]), *c = w.slot<T>(i.at[2]);
  w.each([&](int l) {
    uint8_t *p = w.address(i, w.slot<uint64_t>(i.at[4])[l] + (uint64_t)i.number, sizeof(T), l);
    d[l] = update<T>(p, [=](T a) { return a == b[l] ? c[l] : a; });
  });
}

template <class F> void each_form(F f) {
  for (const char *order : {"", ".relaxed", ".acq_rel"})
    for (const char *scope : {"", ".gpu", ".cta", ".sys"})
      for (const char *space : {"", ".global", ".shared"}) f(std::string(order) + scope + space);
}

template <class T, class O> void add(Table &t, const std::string &name) {
  constexpr bool wide = sizeof(T) == 8;
  each_form([&](const std::string &form) {
    t["atom" + form + "." + name] = {wide ? "Xax" : "Waw", {atom<T, O>}};
    t["red" + form + "." + name] = {wide ? "ax" : "aw", {red<T, O>}};
  });
}

} // namespace

void add_atomic_ops(Table &t) {
  add<uint32_t, Add>(t, "add.u32");
  add<uint32_t, Add>(t, "add.s32");
  add<uint64_t, Add>(t, "add.u64");
  add<float, Add>(t, "add.f32");
  add<double, Add>(t, "add.f64");
  add<uint32_t, Min>(t, "min.u32");
  add<uint32_t, Max>(t, "max.u32");
  add<int32_t, Min>(t, "min.s32");
  add<int32_t, Max>(t, "max.s32");
  add<uint64_t, Min>(t, "min.u64");
  add<uint64_t, Max>(t, "max.u64");
  add<int64_t, Min>(t, "min.s64");
  add<int64_t, Max>(t, "max.s64");
  add<uint32_t, And>(t, "and.b32");
  add<uint32_t, Or>(t, "or.b32");
  add<uint32_t, Xor>(t, "xor.b32");
  add<uint64_t, And>(t, "and.b64");
  add<uint64_t, Or>(t, "or.b64");
  add<uint64_t, Xor>(t, "xor.b64");
  add<uint32_t, Exchange>(t, "exch.b32");
  add<uint64_t, Exchange>(t, "exch.b64");
  add<uint32_t, Increase>(t, "inc.u32");
  add<uint32_t, Decrease>(t, "dec.u32");
  each_form([&](const std::string &form) {
    t["atom" + form + ".cas.b32"] = {"Waww", {cas<uint32_t>}};
    t["atom" + form + ".cas.b64"] = {"Xaxx", {cas<uint64_t>}};
  });
}

} // namespace ptx
