// Conversions in the loops of a GPU. The sums, and so the bits, are those of
// preprocess.h.
#ifndef SV_PUT_CUH
#define SV_PUT_CUH
#include "lanes.cuh"
#include "preprocess.h"

// The sum of samples [c0, c1) of a row, at their own depth: below 2^30.
template <class T>
SV_GPU sv_u32 sv_row_sum(const sv_picture &p, const T *row, sv_i32 c0, sv_i32 c1, sv_i32 step) {
  sv_u32 sum = 0;
  sv_i32 most = (1 << p.depth) - 1;
#pragma unroll 4
  for (sv_i32 c = c0; c < c1; c++) {
    sv_u32 v = row[c * step];
    sum += sizeof(T) == 1 ? v : (sv_u32)sv_min((sv_i32)(v >> p.word_shift), most);
  }
  return sum;
}

// sv_area. Inside a footprint all weights are 256, so that only its first and last
// column are multiplied.
template <class T>
SV_GPU float sv_area_of(const sv_picture &p, sv_i32 plane, sv_i32 x, sv_i32 y, sv_i32 bw, sv_i32 bh) {
  sv_u32 x0, x1, y0, y1;
  sv_span(x, sv_plane_width(p, plane), bw, x0, x1);
  sv_span(y, sv_plane_height(p, plane), bh, y0, y1);
  sv_i32 first = (sv_i32)(x0 >> 8), last = (sv_i32)((x1 - 1) >> 8), step = plane == 0 ? 1 : p.chroma_step;
  sv_u32 w_first = sv_weight(first, x0, x1), w_last = first == last ? 0 : sv_weight(last, x0, x1);
  sv_u64 acc = 0;
  for (sv_i32 r = (sv_i32)(y0 >> 8); r <= (sv_i32)((y1 - 1) >> 8); r++) {
    const T *row = (const T *)((const sv_u8 *)p.plane[plane] + (sv_i64)r * p.pitch[plane]);
    sv_u32 sides = w_first * sv_row_sum(p, row, first, first + 1, step) + w_last * sv_row_sum(p, row, last, last + 1, step);
    acc += sv_weight(r, y0, y1) * (sides + ((sv_u64)sv_row_sum(p, row, first + 1, last, step) << 8));
  }
  return (float)acc * (1.0f / (float)(x1 - x0)) * (1.0f / (float)(y1 - y0));
}

SV_GPU float sv_resample_on_gpu(const sv_plan &P, const sv_picture &p, sv_i32 plane, sv_i32 x, sv_i32 y) {
  if (P.filter != SV_AREA) return sv_resample(P, p, plane, x, y);
  if (p.sample_bytes == 1) return sv_area_of<sv_u8>(p, plane, x, y, P.box_w, P.box_h);
  return sv_area_of<sv_u16>(p, plane, x, y, P.box_w, P.box_h);
}

// Four samples of native luma from column x of a row on; the last column repeats.
template <class T>
SV_GPU void sv_luma_samples(const sv_picture &p, const T *row, sv_i32 x, sv_u32 *s) {
  typedef T sv_vector __attribute__((ext_vector_type(4)));
  sv_i32 most = (1 << p.depth) - 1;
  if (x + 4 <= p.width && (sv_u64)(row + x) % sizeof(sv_vector) == 0) {
    sv_vector v = *(const sv_vector *)(row + x);
    s[0] = v.x; s[1] = v.y; s[2] = v.z; s[3] = v.w;
  } else {
    SV_UNROLL for (sv_i32 i = 0; i < 4; i++) s[i] = row[sv_min(x + i, p.width - 1)];
  }
  if (sizeof(T) == 1) return;
  SV_UNROLL for (sv_i32 i = 0; i < 4; i++) s[i] = (sv_u32)sv_min((sv_i32)(s[i] >> p.word_shift), most);
}

// Positions x..x+3 of row y of a native tensor of luma, as far as it has them.
template <class O>
SV_GPU void sv_put_luma(const sv_plan &P, const sv_picture &p, O *dst, sv_i32 x, sv_i32 y) {
  typedef O sv_vector __attribute__((ext_vector_type(4)));
  const sv_u8 *row = (const sv_u8 *)p.plane[0] + (sv_i64)sv_min(y, p.height - 1) * p.pitch[0];
  sv_u32 s[4];
  if (p.sample_bytes == 1) sv_luma_samples(p, row, x, s);
  else sv_luma_samples(p, (const sv_u16 *)row, x, s);
  O o[4];
  SV_UNROLL for (sv_i32 i = 0; i < 4; i++) sv_store(o + i, sv_clip((float)s[i] * P.in_scale), P.mul[0], P.add[0]);
  dst += (sv_i64)y * P.out_width + x;
  if (x + 4 <= P.out_width && (sv_u64)dst % sizeof(sv_vector) == 0) {
    sv_vector v = {o[0], o[1], o[2], o[3]};
    *(sv_vector *)dst = v;
  } else {
    SV_UNROLL for (sv_i32 i = 0; i < 4; i++)
      if (x + i < P.out_width) dst[i] = o[i];
  }
}

#endif
