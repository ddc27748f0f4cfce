// How one sample is read. Shared by preprocess.h and measure.h.
//
// The bodies in these headers are the definition of the kernels. They compile
// unchanged for the host (g++) and the device (clang -x cuda, no CUDA header).
// All sums are integers, so the order of summing does not matter; the few float
// operations are single IEEE operations in a fixed order, built with contraction
// off. So a faster form with other loops gives the same bits.
#ifndef SV_SAMPLE_H
#define SV_SAMPLE_H
#include "types.h"

#if defined(__CUDA__) || defined(__CUDACC__)
#if defined(__clang__) && !defined(__device__)
#define __device__ __attribute__((device))
#define __global__ __attribute__((global))
#endif
#define SV_HD __device__ static inline __attribute__((always_inline))
#else
#define SV_HD static inline __attribute__((always_inline))
#endif

SV_HD sv_i32 sv_min(sv_i32 a, sv_i32 b) { return a < b ? a : b; }
SV_HD sv_i32 sv_max(sv_i32 a, sv_i32 b) { return a > b ? a : b; }
SV_HD sv_i32 sv_abs(sv_i32 a) { return a < 0 ? -a : a; }

// Sample x of row y of a plane, at its own depth. Plane 0 has a step of 1. A word
// that has bits above its depth (a damaged file) counts as the largest sample.
SV_HD sv_u32 sv_sample(const sv_picture &p, sv_i32 plane, sv_i32 x, sv_i32 y) {
  const sv_u8 *row = (const sv_u8 *)p.plane[plane] + (sv_i64)y * p.pitch[plane];
  sv_i64 i = (sv_i64)x * (plane == 0 ? 1 : p.chroma_step);
  if (p.sample_bytes == 1) return row[i];
  return (sv_u32)sv_min((sv_i32)((const sv_u16 *)row)[i] >> p.word_shift, (1 << p.depth) - 1);
}

// The same in 8-bit units, truncated: what the measures are made of.
SV_HD sv_i32 sv_sample8(const sv_picture &p, sv_i32 plane, sv_i32 x, sv_i32 y) {
  return (sv_i32)(sv_sample(p, plane, x, y) >> (p.depth - 8));
}

SV_HD sv_i32 sv_plane_width(const sv_picture &p, sv_i32 plane) { return plane == 0 ? p.width : p.chroma_width; }
SV_HD sv_i32 sv_plane_height(const sv_picture &p, sv_i32 plane) { return plane == 0 ? p.height : p.chroma_height; }

#endif
