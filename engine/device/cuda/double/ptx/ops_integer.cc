// Integer arithmetic, bits and shifts.
#include "ops.h"

#include <algorithm>

namespace ptx {
namespace {

template <class T> using U = std::make_unsigned_t<T>;
template <class T> struct Wider;
template <> struct Wider<int16_t> { using type = int32_t; };
template <> struct Wider<uint16_t> { using type = uint32_t; };
template <> struct Wider<int32_t> { using type = int64_t; };
template <> struct Wider<uint32_t> { using type = uint64_t; };
template <> struct Wider<int64_t> { using type = __int128; };
template <> struct Wider<uint64_t> { using type = unsigned __int128; };
template <class T> using W = typename Wider<T>::type;
template <class T> constexpr unsigned kBits = sizeof(T) * 8;

// Arithmetic that wraps is done unsigned, at least 32 bits wide.
template <class T> T plus(T a, T b) { return (T)((Slot<T>)a + (Slot<T>)b); }
template <class T> T minus(T a, T b) { return (T)((Slot<T>)a - (Slot<T>)b); }
template <class T> T times(T a, T b) { return (T)((Slot<T>)a * (Slot<T>)b); }
template <class T> T high(T a, T b) { return (T)((W<T>)a * (W<T>)b >> kBits<T>); }

// What a GPU gives for a division by zero: all ones; the remainder is the dividend.
template <class T> T quotient(T a, T b) {
  if (b == 0) return (T)~(T)0;
  if (std::is_signed_v<T> && b == (T)-1) return minus<T>(0, a);
  return (T)(a / b);
}
template <class T> T remainder_of(T a, T b) {
  if (b == 0) return a;
  if (std::is_signed_v<T> && b == (T)-1) return 0;
  return (T)(a % b);
}
template <class T> T left(T a, uint32_t n) { return n < kBits<T> ? (T)((Slot<T>)a << n) : 0; }
template <class T> T right(T a, uint32_t n) { return std::is_signed_v<T> ? (T)(a >> std::min(n, kBits<T> - 1)) : n < kBits<T> ? (T)(a >> n) : 0; }

template <class T> T extract(T a, uint32_t pos, uint32_t len) {
  pos &= 255, len &= 255;
  if (!len) return 0;
  bool negative = std::is_signed_v<T> && (U<T>)a >> std::min(pos + len - 1, kBits<T> - 1) & 1;
  unsigned there = std::min(len, kBits<T> - std::min(pos, kBits<T>)); // bits that a has at pos
  U<T> field = there == kBits<T> ? ~(U<T>)0 : ((U<T>)1 << there) - 1;
  U<T> v = there ? (U<T>)a >> pos & field : 0;
  return (T)(negative ? v | ~field : v);
}
template <class T> T insert(T a, T b, uint32_t pos, uint32_t len) {
  pos &= 255, len &= 255;
  if (pos >= kBits<T> || !len) return b;
  T m = (len >= kBits<T> ? ~(T)0 : ((T)1 << len) - 1) << pos;
  return (b & ~m) | ((a << pos) & m);
}

uint32_t permute(uint32_t a, uint32_t b, uint32_t c) {
  uint64_t bytes = (uint64_t)b << 32 | a;
  uint32_t d = 0;
  for (int k = 0; k < 4; k++) {
    uint32_t pick = c >> 4 * k & 15;
    uint8_t v = (uint8_t)(bytes >> 8 * (pick & 7));
    if (pick & 8) v = v & 0x80 ? 0xFF : 0;
    d |= (uint32_t)v << 8 * k;
  }
  return d;
}

// Runs: names that the table can hold.
#define MAP1(NAME, D, A, EXPR) \
  template <class T> void NAME(Warp &w, const Instruction &i) { \
    map1<D, A>(w, i, [](A a) -> D { return (D)(EXPR); }); \
  }
#define MAP2(NAME, D, A, B, EXPR) \
  template <class T> void NAME(Warp &w, const Instruction &i) { \
    map2<D, A, B>(w, i, [](A a, B b) -> D { return (D)(EXPR); }); \
  }
#define MAP3(NAME, D, A, B, C, EXPR) \
  template <class T> void NAME(Warp &w, const Instruction &i) { \
    map3<D, A, B, C>(w, i, [](A a, B b, C c) -> D { return (D)(EXPR); }); \
  }

MAP2(add, T, T, T, plus<T>(a, b))
MAP2(sub, T, T, T, minus<T>(a, b))
MAP2(mul_lo, T, T, T, times<T>(a, b))
MAP2(mul_hi, T, T, T, high<T>(a, b))
MAP2(mul_wide, W<T>, T, T, (W<T>)a * (W<T>)b)
MAP3(mad_lo, T, T, T, T, plus<T>(times<T>(a, b), c))
MAP3(mad_hi, T, T, T, T, plus<T>(high<T>(a, b), c))
MAP3(mad_wide, W<T>, T, T, W<T>, plus<W<T>>((W<T>)a * (W<T>)b, c))
MAP2(div, T, T, T, quotient<T>(a, b))
MAP2(rem, T, T, T, remainder_of<T>(a, b))
MAP2(min, T, T, T, std::min(a, b))
MAP2(max, T, T, T, std::max(a, b))
MAP1(abs, T, T, a < 0 ? minus<T>(0, a) : a)
MAP1(neg, T, T, minus<T>(0, a))
MAP2(bit_and, T, T, T, a & b)
MAP2(bit_or, T, T, T, a | b)
MAP2(bit_xor, T, T, T, a ^ b)
MAP1(bit_not, T, T, ~a)
MAP1(cnot, T, T, a == 0)
MAP2(shl, T, T, uint32_t, left<T>(a, b))
MAP2(shr, T, T, uint32_t, right<T>(a, b))
MAP1(popc, uint32_t, T, __builtin_popcountll(a))
MAP1(clz, uint32_t, T, a ? __builtin_clzll(a) - (64 - kBits<T>) : kBits<T>)
MAP3(bfe, T, T, uint32_t, uint32_t, extract<T>(a, b, c))
MAP3(prmt, uint32_t, uint32_t, uint32_t, uint32_t, permute(a, b, c))
MAP3(sad, T, T, T, U<T>, c + (a < b ? (U<T>)b - (U<T>)a : (U<T>)a - (U<T>)b))
MAP3(shf_left_wrap, uint32_t, uint32_t, uint32_t, uint32_t, (((uint64_t)b << 32 | a) << (c & 31)) >> 32)
MAP3(shf_right_wrap, uint32_t, uint32_t, uint32_t, uint32_t, ((uint64_t)b << 32 | a) >> (c & 31))
MAP3(shf_left_clamp, uint32_t, uint32_t, uint32_t, uint32_t, (((uint64_t)b << 32 | a) << std::min(c, 32u)) >> 32)
MAP3(shf_right_clamp, uint32_t, uint32_t, uint32_t, uint32_t, ((uint64_t)b << 32 | a) >> std::min(c, 32u))

template <class T> T reversed(T a) {
  T r = 0;
  for (unsigned k = 0; k < kBits<T>; k++) r |= (a >> k & 1) << (kBits<T> - 1 - k);
  return r;
}
MAP1(brev, T, T, reversed<T>(a))

template <class T> uint32_t top_bit(T a) {
  if (a < 0) a = (T)~a;
  return a ? 63 - __builtin_clzll((U<T>)a) : UINT32_MAX;
}
MAP1(bfind, uint32_t, T, top_bit<T>(a))

// Four bytes at a time. dp4a adds their products to c.
template <class A, class B> uint32_t dot(uint32_t a, uint32_t b, uint32_t c) {
  for (int k = 0; k < 32; k += 8) c += (uint32_t)((int)(A)(a >> k) * (int)(B)(b >> k));
  return c;
}
uint32_t byte_distance(uint32_t a, uint32_t b, int k) {
  int d = (int)(a >> k & 255) - (int)(b >> k & 255);
  return (uint32_t)(d < 0 ? -d : d);
}
uint32_t distances(uint32_t a, uint32_t b) {
  uint32_t d = 0;
  for (int k = 0; k < 32; k += 8) d |= byte_distance(a, b, k) << k;
  return d;
}
uint32_t sum_of_distances(uint32_t a, uint32_t b, uint32_t c) {
  for (int k = 0; k < 32; k += 8) c += byte_distance(a, b, k);
  return c;
}
MAP3(dp4a_uu, uint32_t, uint32_t, uint32_t, uint32_t, (dot<uint8_t, uint8_t>(a, b, c)))
MAP3(dp4a_us, uint32_t, uint32_t, uint32_t, uint32_t, (dot<uint8_t, int8_t>(a, b, c)))
MAP3(dp4a_su, uint32_t, uint32_t, uint32_t, uint32_t, (dot<int8_t, uint8_t>(a, b, c)))
MAP3(dp4a_ss, uint32_t, uint32_t, uint32_t, uint32_t, (dot<int8_t, int8_t>(a, b, c)))
MAP3(vabsdiff4, uint32_t, uint32_t, uint32_t, uint32_t, ((void)c, distances(a, b)))
MAP3(vabsdiff4_add, uint32_t, uint32_t, uint32_t, uint32_t, sum_of_distances(a, b, c))

template <class T> void bfi(Warp &w, const Instruction &i) {
  T *d = w.slot<T>(i.at[0]);
  const T *a = w.slot<T>(i.at[1]), *b = w.slot<T>(i.at[2]);
  const uint32_t *pos = w.slot<uint32_t>(i.at[3]), *len = w.slot<uint32_t>(i.at[4]);
  w.each([=](int l) { d[l] = insert<T>(a[l], b[l], pos[l], len[l]); });
}

// lop3.b32 d, a, b, c, table.
void lop3(Warp &w, const Instruction &i) {
  uint32_t *d = w.slot<uint32_t>(i.at[0]);
  const uint32_t *a = w.slot<uint32_t>(i.at[1]), *b = w.slot<uint32_t>(i.at[2]), *c = w.slot<uint32_t>(i.at[3]);
  uint8_t t = (uint8_t)i.number;
  w.each([=](int l) {
    uint32_t r = 0;
    for (int k = 0; k < 8; k++)
      if (t >> k & 1) r |= (k & 4 ? a[l] : ~a[l]) & (k & 2 ? b[l] : ~b[l]) & (k & 1 ? c[l] : ~c[l]);
    d[l] = r;
  });
}

const char *three(char c) { return c == 'h' ? "Hhh" : c == 'w' ? "Www" : "Xxx"; }
const char *four(char c) { return c == 'h' ? "Hhhh" : c == 'w' ? "Wwww" : "Xxxx"; }
const char *two(char c) { return c == 'h' ? "Hh" : c == 'w' ? "Ww" : "Xx"; }
const char *shift(char c) { return c == 'h' ? "Hhw" : c == 'w' ? "Www" : "Xxw"; }

template <class T> void add_arithmetic(Table &t, const std::string &type) {
  constexpr char c = letter<T>();
  t["add." + type] = {three(c), {add<T>}};
  t["sub." + type] = {three(c), {sub<T>}};
  t["mul.lo." + type] = {three(c), {mul_lo<T>}};
  t["mul.hi." + type] = {three(c), {mul_hi<T>}};
  t["mad.lo." + type] = {four(c), {mad_lo<T>}};
  t["mad.hi." + type] = {four(c), {mad_hi<T>}};
  t["div." + type] = {three(c), {div<T>}};
  t["rem." + type] = {three(c), {rem<T>}};
  t["min." + type] = {three(c), {min<T>}};
  t["max." + type] = {three(c), {max<T>}};
  t["shr." + type] = {shift(c), {shr<T>}};
  if constexpr (std::is_signed_v<T>) {
    t["abs." + type] = {two(c), {abs<T>}};
    t["neg." + type] = {two(c), {neg<T>}};
  }
  if constexpr (sizeof(T) < 8) {
    t["mul.wide." + type] = {c == 'h' ? "Whh" : "Xww", {mul_wide<T>}};
    t["mad.wide." + type] = {c == 'h' ? "Whhw" : "Xwwx", {mad_wide<T>}};
  }
  if constexpr (sizeof(T) > 2) {
    t["bfe." + type] = {c == 'w' ? "Wwww" : "Xxww", {bfe<T>}};
    t["bfind." + type] = {c == 'w' ? "Ww" : "Wx", {bfind<T>}};
  }
  t["sad." + type] = {four(c), {sad<T>}};
}

template <class T> void add_bits(Table &t, const std::string &type) {
  constexpr char c = letter<T>();
  t["and." + type] = {three(c), {bit_and<T>}};
  t["or." + type] = {three(c), {bit_or<T>}};
  t["xor." + type] = {three(c), {bit_xor<T>}};
  t["not." + type] = {two(c), {bit_not<T>}};
  t["cnot." + type] = {two(c), {cnot<T>}};
  t["shl." + type] = {shift(c), {shl<T>}};
  t["shr." + type] = {shift(c), {shr<T>}};
  if constexpr (sizeof(T) > 2) {
    t["popc." + type] = {c == 'w' ? "Ww" : "Wx", {popc<T>}};
    t["clz." + type] = {c == 'w' ? "Ww" : "Wx", {clz<T>}};
    t["brev." + type] = {two(c), {brev<T>}};
    t["bfi." + type] = {c == 'w' ? "Wwwww" : "Xxxww", {bfi<T>}};
  }
}

} // namespace

void add_integer_ops(Table &t) {
  add_arithmetic<int16_t>(t, "s16");
  add_arithmetic<uint16_t>(t, "u16");
  add_arithmetic<int32_t>(t, "s32");
  add_arithmetic<uint32_t>(t, "u32");
  add_arithmetic<int64_t>(t, "s64");
  add_arithmetic<uint64_t>(t, "u64");
  add_bits<uint16_t>(t, "b16");
  add_bits<uint32_t>(t, "b32");
  add_bits<uint64_t>(t, "b64");
  t["dp4a.u32.u32"] = {"Wwww", {dp4a_uu<uint32_t>}};
  t["dp4a.u32.s32"] = {"Wwww", {dp4a_us<uint32_t>}};
  t["dp4a.s32.u32"] = {"Wwww", {dp4a_su<uint32_t>}};
  t["dp4a.s32.s32"] = {"Wwww", {dp4a_ss<uint32_t>}};
  t["vabsdiff4.u32.u32.u32"] = {"Wwww", {vabsdiff4<uint32_t>}};
  t["vabsdiff4.u32.u32.u32.add"] = {"Wwww", {vabsdiff4_add<uint32_t>}};
  t["prmt.b32"] = {"Wwww", {prmt<uint32_t>}};
  t["lop3.b32"] = {"Wwwwi", {lop3}};
  t["shf.l.wrap.b32"] = {"Wwww", {shf_left_wrap<uint32_t>}};
  t["shf.r.wrap.b32"] = {"Wwww", {shf_right_wrap<uint32_t>}};
  t["shf.l.clamp.b32"] = {"Wwww", {shf_left_clamp<uint32_t>}};
  t["shf.r.clamp.b32"] = {"Wwww", {shf_right_clamp<uint32_t>}};
}

} // namespace ptx
