// 128-bit vectors: SSE2, which every 64-bit x86 processor has. The three simd_*.h
// give the same operations on vectors of another width; b is bytes, w 16-bit
// words, d 32-bit, q 64-bit lanes.
#ifndef SV_SIMD_SSE2_H
#define SV_SIMD_SSE2_H
#include <emmintrin.h>
#include "../kernels/types.h"

struct Sse2 {
  typedef __m128i V;
  typedef __m128i Mask;  // 0xff or 0 in each byte
  enum { BYTES = 16, WORDS = 8 };

  static V load(const void *p) { return _mm_loadu_si128((const V *)p); }
  static void store(void *p, V a) { _mm_storeu_si128((V *)p, a); }
  static V zero() { return _mm_setzero_si128(); }
  static V fill_b(int v) { return _mm_set1_epi8((char)v); }
  static V fill_w(int v) { return _mm_set1_epi16((short)v); }
  static V bit_and(V a, V b) { return _mm_and_si128(a, b); }
  static V bit_or(V a, V b) { return _mm_or_si128(a, b); }
  // without: bits of a that are not in b
  static V without(V a, V b) { return _mm_andnot_si128(b, a); }

  static V min_b(V a, V b) { return _mm_min_epu8(a, b); }
  static V max_b(V a, V b) { return _mm_max_epu8(a, b); }
  static V drop_b(V a, V b) { return _mm_subs_epu8(a, b); }  // a - b, not below 0
  static V diff_b(V a, V b) { return bit_or(drop_b(a, b), drop_b(b, a)); }
  static V sad(V a, V b) { return _mm_sad_epu8(a, b); }
  static V add_q(V a, V b) { return _mm_add_epi64(a, b); }

  static Mask equal(V a, V b) { return _mm_cmpeq_epi8(a, b); }
  static Mask at_most(V a, V b) { return equal(min_b(a, b), a); }
  static Mask both(Mask a, Mask b) { return _mm_and_si128(a, b); }
  static Mask mask(const sv_u8 *p) { return load(p); }
  static V count(V n, Mask m) { return _mm_sub_epi8(n, m); }  // n + 1 where m
  static bool any(Mask m) { return _mm_movemask_epi8(m) != 0; }
  static sv_u32 ones(Mask m) { return (sv_u32)__builtin_popcount((unsigned)_mm_movemask_epi8(m)); }

  // The first WORDS bytes at p, widened.
  static V widen(const sv_u8 *p) { return _mm_unpacklo_epi8(_mm_loadl_epi64((const V *)p), zero()); }
  static V shift_w(V a, int n) { return _mm_srl_epi16(a, _mm_cvtsi32_si128(n)); }  // to the right
  static V limit_w(V a, V most) { return _mm_sub_epi16(a, _mm_subs_epu16(a, most)); }  // unsigned
  // Stores words that are at most 255 as WORDS bytes.
  static void store_narrow(void *p, V a) { _mm_storel_epi64((V *)p, _mm_packus_epi16(a, a)); }
  static V add_w(V a, V b) { return _mm_add_epi16(a, b); }
  static V sub_w(V a, V b) { return _mm_sub_epi16(a, b); }
  static V abs_w(V a) { return _mm_max_epi16(a, _mm_sub_epi16(zero(), a)); }
  static V min_w(V a, V b) { return _mm_min_epi16(a, b); }
  static V pair(V a, V b) { return _mm_madd_epi16(a, b); }  // sums of neighbouring products
  static V add_d(V a, V b) { return _mm_add_epi32(a, b); }
  static V add_square(V sum, V a) { return add_d(sum, pair(a, a)); }

  // the first word; whether all words are like it
  static sv_u16 first(V a) { return (sv_u16)_mm_cvtsi128_si32(a); }
  static bool alike(V a) { return _mm_movemask_epi8(_mm_cmpeq_epi16(a, _mm_set1_epi16((short)first(a)))) == 0xffff; }

  // Adds the words of a to WORDS sums of 32 bits.
  static void add_wide(sv_u32 *sums, V a) {
    store(sums, add_d(load(sums), _mm_unpacklo_epi16(a, zero())));
    store(sums + 4, add_d(load(sums + 4), _mm_unpackhi_epi16(a, zero())));
  }
};

#endif
