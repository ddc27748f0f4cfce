// cvt between all types.
#include "ops.h"

#include <cmath>
#include <limits>

#include "half.h"

namespace ptx {
namespace {

// A result narrower than its register is extended to it by its own sign.
template <class R, class D> R extended(D v) {
  if constexpr (std::is_signed_v<D>) return (R)(std::make_signed_t<R>)v;
  else return (R)v;
}

template <class D, class S, class DR, class SR> void integer(Warp &w, const Instruction &i) {
  DR *d = w.slot<DR>(i.at[0]);
  const SR *s = w.slot<SR>(i.at[1]);
  w.each([=](int l) { d[l] = extended<DR>((D)(S)s[l]); });
}

template <class F, class S, class SR> void to_float(Warp &w, const Instruction &i) {
  auto *d = w.slot<Slot<F>>(i.at[0]);
  const SR *s = w.slot<SR>(i.at[1]);
  w.each([=](int l) { d[l] = to_slot<F>((F)(S)s[l]); });
}

struct Nearest { template <class F> static F of(F v) { return std::nearbyint(v); } };
struct Zero { template <class F> static F of(F v) { return std::trunc(v); } };
struct Down { template <class F> static F of(F v) { return std::floor(v); } };
struct Up { template <class F> static F of(F v) { return std::ceil(v); } };

// Out of range gives the end of the range; a NaN gives 0.
template <class D, class F> D clamped(F v) {
  using L = std::numeric_limits<D>;
  if (v != v) return 0;
  if (v <= (F)L::min()) return L::min();
  if (v >= std::ldexp((F)1, L::digits)) return L::max();
  return (D)v;
}

template <class D, class F, class Round, class DR> void to_integer(Warp &w, const Instruction &i) {
  DR *d = w.slot<DR>(i.at[0]);
  const auto *s = w.slot<Slot<F>>(i.at[1]);
  w.each([=](int l) { d[l] = extended<DR>(clamped<D>(Round::of(from_slot<F>(s[l])))); });
}

template <class F, class Round> void to_whole(Warp &w, const Instruction &i) {
  map1<F, F>(w, i, [](F v) { return canonical(Round::of(v)); });
}

void float_to_half(Warp &w, const Instruction &i) { map1<uint16_t, float>(w, i, [](float v) { return to_half(v); }); }
void half_to_float(Warp &w, const Instruction &i) { map1<float, uint16_t>(w, i, [](uint16_t v) { return from_half(v); }); }
void float_to_double(Warp &w, const Instruction &i) { map1<double, float>(w, i, [](float v) { return canonical((double)v); }); }
void double_to_float(Warp &w, const Instruction &i) { map1<float, double>(w, i, [](double v) { return canonical((float)v); }); }

// Operands of conversions, by their sizes in bytes.
const char *any_any(size_t d, size_t s) {
  static const std::string specs = [] {
    std::string all;
    for (char a : {'1', '2', '4', '8'})
      for (char b : {'1', '2', '4', '8'}) all += std::string(">") + a + "<" + b + '\0';
    return all;
  }();
  return specs.data() + (size_t)(__builtin_ctzll(d) * 4 + __builtin_ctzll(s)) * 5;
}
const char *from_any(bool wide, size_t s) {
  static const char *const specs[2][4] = {{"W<1", "W<2", "W<4", "W<8"}, {"X<1", "X<2", "X<4", "X<8"}};
  return specs[wide][__builtin_ctzll(s)];
}
const char *to_any(size_t d, bool wide) {
  static const char *const specs[2][4] = {{">1w", ">2w", ">4w", ">8w"}, {">1x", ">2x", ">4x", ">8x"}};
  return specs[wide][__builtin_ctzll(d)];
}

template <class D, class S> void add_integer(Table &t, const std::string &d, const std::string &s) {
  t["cvt." + d + "." + s] = {any_any(sizeof(D), sizeof(S)),
                             {integer<D, S, uint32_t, uint32_t>, integer<D, S, uint64_t, uint32_t>,
                              integer<D, S, uint32_t, uint64_t>, integer<D, S, uint64_t, uint64_t>}};
}

template <class D, class F> void add_rounded(Table &t, const std::string &d, const std::string &f) {
  const char *spec = to_any(sizeof(D), sizeof(F) == 8);
  t["cvt.rni." + d + "." + f] = {spec, {to_integer<D, F, Nearest, uint32_t>, to_integer<D, F, Nearest, uint64_t>}};
  t["cvt.rzi." + d + "." + f] = {spec, {to_integer<D, F, Zero, uint32_t>, to_integer<D, F, Zero, uint64_t>}};
  t["cvt.rmi." + d + "." + f] = {spec, {to_integer<D, F, Down, uint32_t>, to_integer<D, F, Down, uint64_t>}};
  t["cvt.rpi." + d + "." + f] = {spec, {to_integer<D, F, Up, uint32_t>, to_integer<D, F, Up, uint64_t>}};
}

template <class I> void add_type(Table &t, const std::string &type) {
  add_integer<int8_t, I>(t, "s8", type);
  add_integer<uint8_t, I>(t, "u8", type);
  add_integer<int16_t, I>(t, "s16", type);
  add_integer<uint16_t, I>(t, "u16", type);
  add_integer<int32_t, I>(t, "s32", type);
  add_integer<uint32_t, I>(t, "u32", type);
  add_integer<int64_t, I>(t, "s64", type);
  add_integer<uint64_t, I>(t, "u64", type);
  t["cvt.rn.f32." + type] = {from_any(false, sizeof(I)), {to_float<float, I, uint32_t>, to_float<float, I, uint64_t>}};
  t["cvt.rn.f64." + type] = {from_any(true, sizeof(I)), {to_float<double, I, uint32_t>, to_float<double, I, uint64_t>}};
  add_rounded<I, float>(t, type, "f32");
  add_rounded<I, double>(t, type, "f64");
}

template <class F> void add_whole(Table &t, const std::string &f) {
  const char *spec = sizeof(F) == 8 ? "Xx" : "Ww";
  t["cvt.rni." + f + "." + f] = {spec, {to_whole<F, Nearest>}};
  t["cvt.rzi." + f + "." + f] = {spec, {to_whole<F, Zero>}};
  t["cvt.rmi." + f + "." + f] = {spec, {to_whole<F, Down>}};
  t["cvt.rpi." + f + "." + f] = {spec, {to_whole<F, Up>}};
}

} // namespace

void add_convert_ops(Table &t) {
  add_type<int8_t>(t, "s8");
  add_type<uint8_t>(t, "u8");
  add_type<int16_t>(t, "s16");
  add_type<uint16_t>(t, "u16");
  add_type<int32_t>(t, "s32");
  add_type<uint32_t>(t, "u32");
  add_type<int64_t>(t, "s64");
  add_type<uint64_t>(t, "u64");
  add_whole<float>(t, "f32");
  add_whole<double>(t, "f64");
  t["cvt.rn.f16.f32"] = {"Hw", {float_to_half}};
  t["cvt.f32.f16"] = {"Wh", {half_to_float}};
  t["cvt.f64.f32"] = {"Xw", {float_to_double}};
  t["cvt.rn.f32.f64"] = {"Wx", {double_to_float}};
}

} // namespace ptx
