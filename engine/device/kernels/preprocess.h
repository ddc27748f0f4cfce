// A picture to one row of a tensor: the body that makes one output sample
// position (all its channels).
#ifndef SV_PREPROCESS_H
#define SV_PREPROCESS_H
#include "sample.h"

// i * a / n, rounded down, for i <= 2n, a <= 2^24 and n <= 2^14, in 32 bits: with
// a = q*n + r it is i*q + i*r/n. A GPU has no fast division of 64 bits.
SV_HD sv_u32 sv_share(sv_u32 i, sv_u32 a, sv_u32 n) { return i * (a / n) + i * (a % n) / n; }

// Edge i of n output samples over a row of src, in 1/256 source sample.
SV_HD sv_u32 sv_edge(sv_i32 i, sv_i32 src, sv_i32 n) { return sv_share((sv_u32)i, (sv_u32)src * 256, (sv_u32)n); }

// Footprint [a, b) of output sample i; never empty.
SV_HD void sv_span(sv_i32 i, sv_i32 src, sv_i32 n, sv_u32 &a, sv_u32 &b) {
  a = sv_edge(i, src, n);
  b = sv_edge(i + 1, src, n);
  if (b <= a) b = a + 1;
}

// Weight of source sample c in the footprint [a, b): 0..256.
SV_HD sv_u32 sv_weight(sv_i32 c, sv_u32 a, sv_u32 b) {
  sv_u32 p = (sv_u32)c << 8, q = p + 256;
  return (q < b ? q : b) - (p > a ? p : a);
}

// Mean over the footprint of columns [x0, x1) and rows [y0, y1), exact up to the
// last rounding. The sum is below 2^16 (sample) * 2^28 (samples) * 2^16 (weights).
SV_HD float sv_area(const sv_picture &p, sv_i32 plane, sv_u32 x0, sv_u32 x1, sv_u32 y0, sv_u32 y1) {
  sv_u64 acc = 0;
  for (sv_i32 r = (sv_i32)(y0 >> 8); r < (sv_i32)((y1 + 255) >> 8); r++) {
    sv_u64 h = 0;
    for (sv_i32 c = (sv_i32)(x0 >> 8); c < (sv_i32)((x1 + 255) >> 8); c++)
      h += (sv_u64)sv_weight(c, x0, x1) * sv_sample(p, plane, c, r);
    acc += sv_weight(r, y0, y1) * h;
  }
  // Reciprocals, because the fast forms keep them in a table.
  return (float)acc * (1.0f / (float)(x1 - x0)) * (1.0f / (float)(y1 - y0));
}

// Place of output sample i of n over a row of src, in 1/2048 source sample.
SV_HD sv_i32 sv_place(sv_i32 i, sv_i32 src, sv_i32 n) {
  return sv_max((sv_i32)sv_share(2 * (sv_u32)i + 1, (sv_u32)src * 1024, (sv_u32)n) - 1024, 0);
}

// The two taps of a place and the weight of the second, 0..2047 of 2048.
SV_HD void sv_taps(sv_i32 place, sv_i32 src, sv_i32 &i0, sv_i32 &i1, sv_u32 &w) {
  i0 = place >> 11;
  w = (sv_u32)(place & 2047);
  i1 = i0 + 1;
  if (i0 >= src - 1) { i0 = i1 = src - 1; w = 0; }
}
SV_HD void sv_tap(sv_i32 i, sv_i32 src, sv_i32 n, sv_i32 &i0, sv_i32 &i1, sv_u32 &w) { sv_taps(sv_place(i, src, n), src, i0, i1, w); }

// Bilinear at a place; the sum is below 2^16 * 2^22 = 2^38.
SV_HD float sv_bilinear(const sv_picture &p, sv_i32 plane, sv_i32 x, sv_i32 y) {
  sv_i32 x0, x1, y0, y1;
  sv_u32 wx, wy;
  sv_taps(x, sv_plane_width(p, plane), x0, x1, wx);
  sv_taps(y, sv_plane_height(p, plane), y0, y1, wy);
  sv_u32 t = (2048 - wx) * sv_sample(p, plane, x0, y0) + wx * sv_sample(p, plane, x1, y0);
  sv_u32 u = (2048 - wx) * sv_sample(p, plane, x0, y1) + wx * sv_sample(p, plane, x1, y1);
  return (float)((sv_u64)(2048 - wy) * t + (sv_u64)wy * u) * (1.0f / 4194304.0f);
}

// Sample of the native picture under output position (x, y); the last column and
// row repeat, chroma is taken from the sample that covers the position.
SV_HD float sv_native(const sv_picture &p, sv_i32 plane, sv_i32 x, sv_i32 y) {
  x = sv_min(x, p.width - 1);
  y = sv_min(y, p.height - 1);
  if (plane != 0) { x >>= p.chroma_shift_x; y >>= p.chroma_shift_y; }
  return (float)sv_sample(p, plane, x, y);
}

// Sample of a plane under position (x, y) of the box, in sample units.
SV_HD float sv_resample(const sv_plan &P, const sv_picture &p, sv_i32 plane, sv_i32 x, sv_i32 y) {
  sv_i32 w = sv_plane_width(p, plane), h = sv_plane_height(p, plane);
  if (P.filter == SV_NONE) return sv_native(p, plane, x, y);
  if (P.filter == SV_BILINEAR) return sv_bilinear(p, plane, sv_place(x, w, P.box_w), sv_place(y, h, P.box_h));
  sv_u32 x0, x1, y0, y1;
  sv_span(x, w, P.box_w, x0, x1);
  sv_span(y, h, P.box_h, y0, y1);
  return sv_area(p, plane, x0, x1, y0, y1);
}

SV_HD float sv_clip(float v) {
  v = v < 0.0f ? 0.0f : v;
  return v > 255.0f ? 255.0f : v;
}

// Y, U, V in sample units to R, G, B in 0..255.
SV_HD void sv_colour(const sv_plan &P, float Y, float U, float V, float *o) {
  float y = P.ky * (Y * P.in_scale - P.black), u = U * P.in_scale - 128.0f, v = V * P.in_scale - 128.0f;
  o[0] = sv_clip(y + P.krv * v);
  o[1] = sv_clip(y - P.kgu * u - P.kgv * v);
  o[2] = sv_clip(y + P.kbu * u);
}

// IEEE binary16, round to nearest even.
SV_HD sv_u16 sv_half(float f) {
#if defined(__CUDA_ARCH__)
  sv_u16 h;
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(h) : "f"(f));
  return h;
#else
  union { float f; sv_u32 u; } a;
  a.f = f;
  sv_u32 s = (a.u >> 16) & 0x8000, e = (a.u >> 23) & 255, m = a.u & 0x7fffff;
  if (e == 255) return (sv_u16)(s | 0x7c00 | (m ? 0x200 | (m >> 13) : 0));
  sv_i32 x = (sv_i32)e - 112;
  if (x >= 31) return (sv_u16)(s | 0x7c00);
  sv_u32 sh = 13, r;
  if (x <= 0) {  // subnormal
    if (x < -10) return (sv_u16)s;
    m |= 0x800000;
    sh = (sv_u32)(14 - x);
    r = m >> sh;
  } else {
    r = ((sv_u32)x << 10) | (m >> 13);
  }
  sv_u32 rest = m & ((1u << sh) - 1), half = 1u << (sh - 1);
  if (rest > half || (rest == half && (r & 1))) r++;
  return (sv_u16)(s | r);
#endif
}

// v is in 0..255 before normalisation.
SV_HD void sv_store(sv_u8 *p, float v, float, float) { *p = (sv_u8)(sv_i32)(v + 0.5f); }
SV_HD void sv_store(sv_u16 *p, float v, float mul, float add) { *p = sv_half(v * mul + add); }
SV_HD void sv_store(float *p, float v, float mul, float add) { *p = v * mul + add; }
SV_HD void sv_store_pad(sv_u8 *p, float v) { *p = (sv_u8)(sv_i32)v; }
SV_HD void sv_store_pad(sv_u16 *p, float v) { *p = sv_half(v); }
SV_HD void sv_store_pad(float *p, float v) { *p = v; }

SV_HD sv_i32 sv_channels(const sv_plan &P) { return P.channels == SV_RGB ? 3 : 1; }
SV_HD bool sv_in_box(const sv_plan &P, sv_i32 x, sv_i32 y) {
  return x >= P.box_x && y >= P.box_y && x < P.box_x + P.box_w && y < P.box_y + P.box_h;
}
// Chroma of a picture that has none.
SV_HD float sv_neutral(const sv_plan &P) { return 128.0f / P.in_scale; }

// Writes position (x, y) of the tensor's row that begins at dst: the padding, or
// what samples of the planes become.
template <class O>
SV_HD void sv_put_pad(const sv_plan &P, O *dst, sv_i32 x, sv_i32 y) {
  sv_i64 plane = (sv_i64)P.out_width * P.out_height, i = (sv_i64)y * P.out_width + x;
  for (sv_i32 c = 0; c < sv_channels(P); c++) sv_store_pad(dst + c * plane + i, P.pad[c]);
}
template <class O>
SV_HD void sv_put_samples(const sv_plan &P, O *dst, sv_i32 x, sv_i32 y, float Y, float U, float V) {
  sv_i64 plane = (sv_i64)P.out_width * P.out_height, i = (sv_i64)y * P.out_width + x;
  if (P.channels == SV_LUMA) return sv_store(dst + i, sv_clip(Y * P.in_scale), P.mul[0], P.add[0]);
  float o[3];
  sv_colour(P, Y, U, V, o);
  sv_store(dst + i, o[0], P.mul[0], P.add[0]);
  sv_store(dst + plane + i, o[1], P.mul[1], P.add[1]);
  sv_store(dst + 2 * plane + i, o[2], P.mul[2], P.add[2]);
}

// Position (x, y) of the tensor's row that begins at dst.
template <class O>
SV_HD void sv_put(const sv_plan &P, const sv_picture &p, O *dst, sv_i32 x, sv_i32 y) {
  sv_i32 bx = x - P.box_x, by = y - P.box_y;
  if (!sv_in_box(P, x, y)) return sv_put_pad(P, dst, x, y);
  float Y = sv_resample(P, p, 0, bx, by), U = sv_neutral(P), V = U;
  if (P.channels == SV_RGB && p.chroma_width > 0) {
    U = sv_resample(P, p, 1, bx, by);
    V = sv_resample(P, p, 2, bx, by);
  }
  sv_put_samples(P, dst, x, y, Y, U, V);
}

#endif
