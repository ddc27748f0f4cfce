// Moves, comparisons, selections and predicates.
#include "ops.h"

namespace ptx {
namespace {

template <class T> void mov(Warp &w, const Instruction &i) {
  map1<T, T>(w, i, [](T a) { return a; });
}
void mov_predicate(Warp &w, const Instruction &i) { set_predicate(w, i.at[0], w.predicates[i.at[1]]); }

// mov.b64 d, {lo, hi} and back.
template <class D, class P> void pack(Warp &w, const Instruction &i) {
  auto *d = w.slot<Slot<D>>(i.at[0]);
  const uint32_t *lo = w.slot<uint32_t>(i.at[1]), *hi = w.slot<uint32_t>(i.at[2]);
  w.each([=](int l) { d[l] = (D)(P)lo[l] | (D)(P)hi[l] << sizeof(P) * 8; });
}
template <class D, class P> void unpack(Warp &w, const Instruction &i) {
  uint32_t *lo = w.slot<uint32_t>(i.at[0]), *hi = w.slot<uint32_t>(i.at[1]);
  const auto *a = w.slot<Slot<D>>(i.at[2]);
  w.each([=](int l) {
    D v = (D)a[l];
    lo[l] = (P)v;
    hi[l] = (P)(v >> sizeof(P) * 8);
  });
}

template <class T> void selp(Warp &w, const Instruction &i) {
  auto *d = w.slot<Slot<T>>(i.at[0]);
  const auto *a = w.slot<Slot<T>>(i.at[1]), *b = w.slot<Slot<T>>(i.at[2]);
  uint32_t p = w.predicates[i.at[3]];
  w.each([=](int l) { d[l] = p >> l & 1 ? a[l] : b[l]; });
}

// slct.T.s32 d, a, b, c: a where c >= 0.
template <class T> void slct(Warp &w, const Instruction &i) {
  map3<T, T, T, int32_t>(w, i, [](T a, T b, int32_t c) { return c >= 0 ? a : b; });
}

// ---- comparisons
struct Eq { template <class T> static bool is(T a, T b) { return a == b; } };
struct Ne { template <class T> static bool is(T a, T b) { return a < b || a > b; } }; // false for a NaN
struct Lt { template <class T> static bool is(T a, T b) { return a < b; } };
struct Le { template <class T> static bool is(T a, T b) { return a <= b; } };
struct Gt { template <class T> static bool is(T a, T b) { return a > b; } };
struct Ge { template <class T> static bool is(T a, T b) { return a >= b; } };
struct Num { template <class T> static bool is(T a, T b) { return a == a && b == b; } };
template <class C> struct OrNan { template <class T> static bool is(T a, T b) { return a != a || b != b || C::is(a, b); } };
struct Never { template <class T> static bool is(T, T) { return false; } };

struct Plain { static uint32_t of(uint32_t yes, uint32_t) { return yes; } };
struct And { static uint32_t of(uint32_t yes, uint32_t c) { return yes & c; } };
struct Or { static uint32_t of(uint32_t yes, uint32_t c) { return yes | c; } };
struct Xor { static uint32_t of(uint32_t yes, uint32_t c) { return yes ^ c; } };

// compare is a function of its own, so that it is compiled once for all that is made of its result.
template <class T, class C> __attribute__((noinline)) uint32_t compare(const Warp &w, const Slot<T> *a, const Slot<T> *b) {
  return lanes_where(w, [=](int l) { return C::is(from_slot<T>(a[l]), from_slot<T>(b[l])); });
}

// setp p|q, a, b, c: p = (a cmp b) op c, q = !(a cmp b) op c.
template <class T, class C, class B> void setp(Warp &w, const Instruction &i) {
  uint32_t yes = compare<T, C>(w, w.slot<Slot<T>>(i.at[2]), w.slot<Slot<T>>(i.at[3]));
  uint32_t c = std::is_same_v<B, Plain> ? 0 : w.predicates[i.at[4]] ^ (i.negated ? UINT32_MAX : 0);
  set_predicate(w, i.at[0], B::of(yes, c));
  if (i.at[1] != kNone) set_predicate(w, i.at[1], B::of(~yes, c));
}

template <class T, class C> void add_comparison(Table &t, const std::string &name, const std::string &type) {
  constexpr char c = letter<T>();
  const char *plain = c == 'h' ? "Dhh" : c == 'w' ? "Dww" : "Dxx", *with = c == 'h' ? "Dhhn" : c == 'w' ? "Dwwn" : "Dxxn";
  t["setp." + name + "." + type] = {plain, {setp<T, C, Plain>}};
  t["setp." + name + ".and." + type] = {with, {setp<T, C, And>}};
  t["setp." + name + ".or." + type] = {with, {setp<T, C, Or>}};
  t["setp." + name + ".xor." + type] = {with, {setp<T, C, Xor>}};
}

template <class T> void add_comparisons(Table &t, const std::string &type) {
  add_comparison<T, Eq>(t, "eq", type);
  add_comparison<T, Ne>(t, "ne", type);
  add_comparison<T, Lt>(t, "lt", type);
  add_comparison<T, Le>(t, "le", type);
  add_comparison<T, Gt>(t, "gt", type);
  add_comparison<T, Ge>(t, "ge", type);
  if constexpr (std::is_floating_point_v<T>) {
    add_comparison<T, OrNan<Eq>>(t, "equ", type);
    add_comparison<T, OrNan<Ne>>(t, "neu", type);
    add_comparison<T, OrNan<Lt>>(t, "ltu", type);
    add_comparison<T, OrNan<Le>>(t, "leu", type);
    add_comparison<T, OrNan<Gt>>(t, "gtu", type);
    add_comparison<T, OrNan<Ge>>(t, "geu", type);
    add_comparison<T, Num>(t, "num", type);
    add_comparison<T, OrNan<Never>>(t, "nan", type);
  } else if constexpr (std::is_unsigned_v<T>) {
    add_comparison<T, Lt>(t, "lo", type);
    add_comparison<T, Le>(t, "ls", type);
    add_comparison<T, Gt>(t, "hi", type);
    add_comparison<T, Ge>(t, "hs", type);
  }
}

// ---- predicates
void and_predicate(Warp &w, const Instruction &i) { set_predicate(w, i.at[0], w.predicates[i.at[1]] & w.predicates[i.at[2]]); }
void or_predicate(Warp &w, const Instruction &i) { set_predicate(w, i.at[0], w.predicates[i.at[1]] | w.predicates[i.at[2]]); }
void xor_predicate(Warp &w, const Instruction &i) { set_predicate(w, i.at[0], w.predicates[i.at[1]] ^ w.predicates[i.at[2]]); }
void not_predicate(Warp &w, const Instruction &i) { set_predicate(w, i.at[0], ~w.predicates[i.at[1]]); }

template <class T> void add_moves(Table &t, const std::string &bits, std::initializer_list<const char *> others) {
  constexpr char c = letter<T>();
  const char *two = c == 'h' ? "Hh" : c == 'w' ? "Ww" : "Xx";
  const char *select = c == 'h' ? "Hhhp" : c == 'w' ? "Wwwp" : "Xxxp", *by = c == 'h' ? "Hhhw" : c == 'w' ? "Wwww" : "Xxxw";
  t["mov." + bits] = {two, {mov<T>}};
  t["selp." + bits] = {select, {selp<T>}};
  t["slct." + bits + ".s32"] = {by, {slct<T>}};
  for (const char *o : others) {
    t[std::string("mov.") + o] = {two, {mov<T>}};
    t[std::string("selp.") + o] = {select, {selp<T>}};
    t[std::string("slct.") + o + ".s32"] = {by, {slct<T>}};
  }
}

} // namespace

void add_logic_ops(Table &t) {
  add_moves<uint16_t>(t, "b16", {"u16", "s16", "f16"});
  add_moves<uint32_t>(t, "b32", {"u32", "s32", "f32"});
  add_moves<uint64_t>(t, "b64", {"u64", "s64", "f64"});
  t["mov.pred"] = {"Pp", {mov_predicate}};
  t["mov.b32 pack"] = {"W(hh)", {pack<uint32_t, uint16_t>}};
  t["mov.b64 pack"] = {"X(ww)", {pack<uint64_t, uint32_t>}};
  t["mov.b32 unpack"] = {"(HH)w", {unpack<uint32_t, uint16_t>}};
  t["mov.b64 unpack"] = {"(WW)x", {unpack<uint64_t, uint32_t>}};
  add_comparisons<int16_t>(t, "s16");
  add_comparisons<uint16_t>(t, "u16");
  add_comparisons<uint16_t>(t, "b16");
  add_comparisons<int32_t>(t, "s32");
  add_comparisons<uint32_t>(t, "u32");
  add_comparisons<uint32_t>(t, "b32");
  add_comparisons<int64_t>(t, "s64");
  add_comparisons<uint64_t>(t, "u64");
  add_comparisons<uint64_t>(t, "b64");
  add_comparisons<float>(t, "f32");
  add_comparisons<double>(t, "f64");
  t["and.pred"] = {"Ppp", {and_predicate}};
  t["or.pred"] = {"Ppp", {or_predicate}};
  t["xor.pred"] = {"Ppp", {xor_predicate}};
  t["not.pred"] = {"Pp", {not_predicate}};
}

} // namespace ptx
