// 256-bit vectors: AVX2. See simd_sse2.h.
#ifndef SV_SIMD_AVX2_H
#define SV_SIMD_AVX2_H
#include <immintrin.h>
#include "../kernels/types.h"

struct Avx2 {
  typedef __m256i V;
  typedef __m256i Mask;
  enum { BYTES = 32, WORDS = 16 };

  static V load(const void *p) { return _mm256_loadu_si256((const V *)p); }
  static void store(void *p, V a) { _mm256_storeu_si256((V *)p, a); }
  static V zero() { return _mm256_setzero_si256(); }
  static V fill_b(int v) { return _mm256_set1_epi8((char)v); }
  static V fill_w(int v) { return _mm256_set1_epi16((short)v); }
  static V bit_and(V a, V b) { return _mm256_and_si256(a, b); }
  static V bit_or(V a, V b) { return _mm256_or_si256(a, b); }
  static V without(V a, V b) { return _mm256_andnot_si256(b, a); }

  static V min_b(V a, V b) { return _mm256_min_epu8(a, b); }
  static V max_b(V a, V b) { return _mm256_max_epu8(a, b); }
  static V drop_b(V a, V b) { return _mm256_subs_epu8(a, b); }
  static V diff_b(V a, V b) { return bit_or(drop_b(a, b), drop_b(b, a)); }
  static V sad(V a, V b) { return _mm256_sad_epu8(a, b); }
  static V add_q(V a, V b) { return _mm256_add_epi64(a, b); }

  static Mask equal(V a, V b) { return _mm256_cmpeq_epi8(a, b); }
  static Mask at_most(V a, V b) { return equal(min_b(a, b), a); }
  static Mask both(Mask a, Mask b) { return _mm256_and_si256(a, b); }
  static Mask mask(const sv_u8 *p) { return load(p); }
  static V count(V n, Mask m) { return _mm256_sub_epi8(n, m); }
  static bool any(Mask m) { return !_mm256_testz_si256(m, m); }
  static sv_u32 ones(Mask m) { return (sv_u32)__builtin_popcount((unsigned)_mm256_movemask_epi8(m)); }

  static V widen(const sv_u8 *p) { return _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)p)); }
  static V shift_w(V a, int n) { return _mm256_srl_epi16(a, _mm_cvtsi32_si128(n)); }
  static V limit_w(V a, V most) { return _mm256_min_epu16(a, most); }
  static void store_narrow(void *p, V a) { _mm_storeu_si128((__m128i *)p, _mm256_castsi256_si128(_mm256_permute4x64_epi64(_mm256_packus_epi16(a, a), 0xd8))); }
  static V add_w(V a, V b) { return _mm256_add_epi16(a, b); }
  static V sub_w(V a, V b) { return _mm256_sub_epi16(a, b); }
  static V abs_w(V a) { return _mm256_abs_epi16(a); }
  static V min_w(V a, V b) { return _mm256_min_epi16(a, b); }
  static V pair(V a, V b) { return _mm256_madd_epi16(a, b); }
  static V add_d(V a, V b) { return _mm256_add_epi32(a, b); }
  static V add_square(V sum, V a) { return add_d(sum, pair(a, a)); }

  static sv_u16 first(V a) { return (sv_u16)_mm_cvtsi128_si32(_mm256_castsi256_si128(a)); }
  static bool alike(V a) { return _mm256_movemask_epi8(_mm256_cmpeq_epi16(a, _mm256_broadcastw_epi16(_mm256_castsi256_si128(a)))) == -1; }

  static void add_wide(sv_u32 *sums, V a) {
    store(sums, add_d(load(sums), _mm256_cvtepu16_epi32(_mm256_castsi256_si128(a))));
    store(sums + 8, add_d(load(sums + 8), _mm256_cvtepu16_epi32(_mm256_extracti128_si256(a, 1))));
  }
};

#endif
