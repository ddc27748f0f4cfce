// Floating point: single IEEE operations, as a GPU rounds them. What may be contracted (add.f32
// without .rn) or is approximated (.approx, .ftz) is not in the table on purpose.
#include "ops.h"

#include <cmath>

namespace ptx {
namespace {

// The smaller of the two, where -0 is below +0 and a NaN loses against a number.
template <class T> T smaller(T a, T b) {
  if (a != a) return canonical(b);
  if (b != b) return a;
  if (a == b) return std::signbit(a) ? a : b;
  return a < b ? a : b;
}
template <class T> T larger(T a, T b) {
  if (a != a) return canonical(b);
  if (b != b) return a;
  if (a == b) return std::signbit(a) ? b : a;
  return a > b ? a : b;
}

#define FLOAT1(NAME, EXPR) \
  template <class T> void NAME(Warp &w, const Instruction &i) { \
    map1<T, T>(w, i, [](T a) -> T { return EXPR; }); \
  }
#define FLOAT2(NAME, EXPR) \
  template <class T> void NAME(Warp &w, const Instruction &i) { \
    map2<T, T, T>(w, i, [](T a, T b) -> T { return EXPR; }); \
  }
#define FLOAT3(NAME, EXPR) \
  template <class T> void NAME(Warp &w, const Instruction &i) { \
    map3<T, T, T, T>(w, i, [](T a, T b, T c) -> T { return EXPR; }); \
  }

FLOAT2(add, canonical(a + b))
FLOAT2(sub, canonical(a - b))
FLOAT2(mul, canonical(a * b))
FLOAT2(div, canonical(a / b))
FLOAT1(rcp, canonical(1 / a))
FLOAT1(sqrt, canonical(std::sqrt(a)))
FLOAT3(fma, canonical(std::fma(a, b, c)))
FLOAT2(min, smaller(a, b))
FLOAT2(max, larger(a, b))
FLOAT1(abs, std::fabs(a))
FLOAT1(neg, -a)

template <class T> void add_all(Table &t, const std::string &type) {
  constexpr bool wide = sizeof(T) == 8;
  const char *two = wide ? "Xx" : "Ww", *three = wide ? "Xxx" : "Www", *four = wide ? "Xxxx" : "Wwww";
  t["add.rn." + type] = {three, {add<T>}};
  t["sub.rn." + type] = {three, {sub<T>}};
  t["mul.rn." + type] = {three, {mul<T>}};
  t["div.rn." + type] = {three, {div<T>}};
  t["rcp.rn." + type] = {two, {rcp<T>}};
  t["sqrt.rn." + type] = {two, {sqrt<T>}};
  t["fma.rn." + type] = {four, {fma<T>}};
  t["min." + type] = {three, {min<T>}};
  t["max." + type] = {three, {max<T>}};
  t["abs." + type] = {two, {abs<T>}};
  t["neg." + type] = {two, {neg<T>}};
}

} // namespace

void add_float_ops(Table &t) {
  add_all<float>(t, "f32");
  add_all<double>(t, "f64");
}

} // namespace ptx
