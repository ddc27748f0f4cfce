// 512-bit vectors: AVX-512 with BW and VNNI (Cascade Lake, Zen 4 and later; older
// processors lower their clock for such vectors, AVX2 suits them). See simd_sse2.h.
#ifndef SV_SIMD_AVX512_H
#define SV_SIMD_AVX512_H
#include <immintrin.h>
#include "../kernels/types.h"

struct Avx512 {
  typedef __m512i V;
  typedef __mmask64 Mask;
  enum { BYTES = 64, WORDS = 32 };

  static V load(const void *p) { return _mm512_loadu_si512(p); }
  static void store(void *p, V a) { _mm512_storeu_si512(p, a); }
  static V zero() { return _mm512_setzero_si512(); }
  static V fill_b(int v) { return _mm512_set1_epi8((char)v); }
  static V fill_w(int v) { return _mm512_set1_epi16((short)v); }
  static V bit_and(V a, V b) { return _mm512_and_si512(a, b); }
  static V bit_or(V a, V b) { return _mm512_or_si512(a, b); }
  static V without(V a, V b) { return _mm512_andnot_si512(b, a); }

  static V min_b(V a, V b) { return _mm512_min_epu8(a, b); }
  static V max_b(V a, V b) { return _mm512_max_epu8(a, b); }
  static V drop_b(V a, V b) { return _mm512_subs_epu8(a, b); }
  static V diff_b(V a, V b) { return bit_or(drop_b(a, b), drop_b(b, a)); }
  static V sad(V a, V b) { return _mm512_sad_epu8(a, b); }
  static V add_q(V a, V b) { return _mm512_add_epi64(a, b); }

  static Mask equal(V a, V b) { return _mm512_cmpeq_epu8_mask(a, b); }
  static Mask at_most(V a, V b) { return _mm512_cmple_epu8_mask(a, b); }
  static Mask both(Mask a, Mask b) { return a & b; }
  static Mask mask(const sv_u8 *p) { return _mm512_movepi8_mask(load(p)); }
  static V count(V n, Mask m) { return _mm512_mask_sub_epi8(n, m, n, fill_b(-1)); }
  static bool any(Mask m) { return m != 0; }
  static sv_u32 ones(Mask m) { return (sv_u32)__builtin_popcountll(m); }

  static V widen(const sv_u8 *p) { return _mm512_cvtepu8_epi16(_mm256_loadu_si256((const __m256i *)p)); }
  static V shift_w(V a, int n) { return _mm512_srl_epi16(a, _mm_cvtsi32_si128(n)); }
  static V limit_w(V a, V most) { return _mm512_min_epu16(a, most); }
  static void store_narrow(void *p, V a) { _mm256_storeu_si256((__m256i *)p, _mm512_cvtepi16_epi8(a)); }
  static V add_w(V a, V b) { return _mm512_add_epi16(a, b); }
  static V sub_w(V a, V b) { return _mm512_sub_epi16(a, b); }
  static V abs_w(V a) { return _mm512_abs_epi16(a); }
  static V min_w(V a, V b) { return _mm512_min_epi16(a, b); }
  static V pair(V a, V b) { return _mm512_madd_epi16(a, b); }
  static V add_d(V a, V b) { return _mm512_add_epi32(a, b); }
  static V add_square(V sum, V a) { return _mm512_dpwssd_epi32(sum, a, a); }

  static sv_u16 first(V a) { return (sv_u16)_mm_cvtsi128_si32(_mm512_castsi512_si128(a)); }
  static bool alike(V a) { return _mm512_cmpeq_epi16_mask(a, _mm512_broadcastw_epi16(_mm512_castsi512_si128(a))) == 0xffffffffu; }

  static void add_wide(sv_u32 *sums, V a) {
    store(sums, add_d(load(sums), _mm512_cvtepu16_epi32(_mm512_castsi512_si256(a))));
    store(sums + 16, add_d(load(sums + 16), _mm512_cvtepu16_epi32(_mm512_extracti64x4_epi64(a, 1))));
  }
};

#endif
