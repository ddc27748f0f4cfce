// IEEE half precision, in bits.
#pragma once
#include <cstdint>
#include <cstring>

namespace ptx {

// to_half rounds to nearest, ties to even.
inline uint16_t to_half(float f) {
  uint32_t b;
  memcpy(&b, &f, 4);
  uint16_t sign = (uint16_t)(b >> 16 & 0x8000);
  b &= 0x7FFFFFFF;
  if (b > 0x7F800000) return 0x7FFF;            // a NaN, as a GPU gives it
  if (b >= 0x477FF000) return sign | 0x7C00;    // rounds beyond the largest
  if (b < 0x33000001) return sign;              // rounds to zero
  int shift = 13;
  uint32_t mantissa = b, rebias = 0x38000000;
  if (b < 0x38800000) {                         // subnormal
    shift = 126 - (int)(b >> 23);
    mantissa = (b & 0x7FFFFF) | 0x800000;
    rebias = 0;
  }
  uint32_t v = mantissa - rebias, low = v & ((1u << shift) - 1), half = 1u << (shift - 1);
  v >>= shift;
  if (low > half || (low == half && (v & 1))) v++;
  return (uint16_t)(sign | v);
}

inline float from_half(uint16_t h) {
  uint32_t sign = (uint32_t)(h & 0x8000) << 16, e = h >> 10 & 31, m = h & 0x3FF, b;
  if (e == 31) b = m ? 0x7FFFFFFF : sign | 0x7F800000;
  else if (e) b = sign | (e + 112) << 23 | m << 13;
  else {
    float f = (float)m * 5.9604644775390625e-8f; // 2^-24
    memcpy(&b, &f, 4);
    b |= sign;
  }
  float f;
  memcpy(&f, &b, 4);
  return f;
}

} // namespace ptx
