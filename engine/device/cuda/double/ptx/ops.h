// The instructions by name. Each family fills its part of the table.
#pragma once
#include <cstring>
#include <type_traits>
#include <unordered_map>

#include "warp.h"

namespace ptx {

// Op is one instruction with all its types. Its operands, in order:
//   H W X P   a register of 16, 32, 64 bits or a predicate that is written
//   h w x p   the same, read; numbers will do too
//   n         a predicate that is read and may be negated: !p
//   >N <N     any register of at least N bytes, written or read (PTX lets loads, stores and
//             conversions use wider ones); which function runs depends on whether it has 64 bits
//   D S       a predicate or a register of 32 bits, with or without a second predicate: p|q
//   a l i     an address (always at[4]), a label, a number
//   ( )       around the parts of a vector
struct Op {
  const char *operands;
  Run run[4]; // bit 0: the first of > and < has 64 bits; bit 1: the second has
};
using Table = std::unordered_map<std::string, Op>;

void add_integer_ops(Table &);
void add_float_ops(Table &);
void add_logic_ops(Table &);
void add_convert_ops(Table &);
void add_memory_ops(Table &);
void add_atomic_ops(Table &);
void add_warp_ops(Table &);
void add_flow_ops(Table &);

const Table &table();

// Registers of 16 bits and less lie in 32.
template <class T> using Slot = std::conditional_t<sizeof(T) == 8, uint64_t, uint32_t>;

template <class T> T from_slot(Slot<T> s) {
  if constexpr (std::is_floating_point_v<T>) {
    T v;
    memcpy(&v, &s, sizeof v);
    return v;
  } else return (T)s;
}
template <class T> Slot<T> to_slot(T v) {
  if constexpr (std::is_floating_point_v<T>) {
    Slot<T> s;
    memcpy(&s, &v, sizeof v);
    return s;
  } else return (Slot<T>)(std::make_unsigned_t<T>)v;
}

// Arithmetic that gives no number gives this one on a GPU.
template <class T> T canonical(T v) {
  if (v == v) return v;
  Slot<T> s = sizeof(T) == 4 ? (Slot<T>)0x7FFFFFFF : (Slot<T>)0x7FF8000000000000;
  return from_slot<T>(s);
}

// map runs d = f(operands 1...) lane by lane. D is the type of the result, A, B, C of the operands.
template <class D, class A, class F> void map1(Warp &w, const Instruction &i, F f) {
  auto *d = w.slot<Slot<D>>(i.at[0]);
  const auto *a = w.slot<Slot<A>>(i.at[1]);
  w.each([=](int l) { d[l] = to_slot<D>(f(from_slot<A>(a[l]))); });
}
template <class D, class A, class B, class F> void map2(Warp &w, const Instruction &i, F f) {
  auto *d = w.slot<Slot<D>>(i.at[0]);
  const auto *a = w.slot<Slot<A>>(i.at[1]);
  const auto *b = w.slot<Slot<B>>(i.at[2]);
  w.each([=](int l) { d[l] = to_slot<D>(f(from_slot<A>(a[l]), from_slot<B>(b[l]))); });
}
template <class D, class A, class B, class C, class F> void map3(Warp &w, const Instruction &i, F f) {
  auto *d = w.slot<Slot<D>>(i.at[0]);
  const auto *a = w.slot<Slot<A>>(i.at[1]);
  const auto *b = w.slot<Slot<B>>(i.at[2]);
  const auto *c = w.slot<Slot<C>>(i.at[3]);
  w.each([=](int l) { d[l] = to_slot<D>(f(from_slot<A>(a[l]), from_slot<B>(b[l]), from_slot<C>(c[l]))); });
}

// lanes_where is the mask of the active lanes for which f holds.
template <class F> uint32_t lanes_where(const Warp &w, F f) {
  uint32_t yes = 0;
  w.each([&](int l) { yes |= (uint32_t)(f(l) ? 1 : 0) << l; });
  return yes;
}
inline void set_predicate(Warp &w, uint32_t at, uint32_t yes) { w.predicates[at] = (w.predicates[at] & ~w.active) | (yes & w.active); }

// The letter of a register of T, for Op.operands.
template <class T> constexpr char letter() { return sizeof(T) == 8 ? 'x' : sizeof(T) == 4 ? 'w' : 'h'; }

} // namespace ptx
