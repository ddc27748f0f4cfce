// Conversions in the loops of a GPU. The sums, and so the bits, are those of
// preprocess.h.
#ifndef SV_PUT_CUH
#define SV_PUT_CUH
#include "lanes.cuh"
#include "preprocess.h"

enum {
  SV_PUT_W = 32, SV_PUT_H = 8,  // threads of a thread block
  SV_LUMA_W = 4, SV_LUMA_H = 4,  // positions of native luma that a thread takes: neighbours, and rows SV_PUT_H apart
};

// Where the positions of a thread block lie in luma [0] and chroma [1]: the edges
// of their footprints, or their places. They cost divisions, so threads share them.
struct sv_places { sv_u32 x[2][SV_PUT_W + 1], y[2][SV_PUT_H + 1]; };

SV_GPU void sv_places_find(sv_places *to, const sv_plan &P, const sv_picture &p) {
  sv_i32 left = SV_PUT_W * sv_group_x() - P.box_x, top = SV_PUT_H * sv_group_y() - P.box_y;
  const sv_i32 each = SV_PUT_W + 1 + SV_PUT_H + 1;
  for (sv_i32 k = SV_PUT_W * sv_thread_y() + sv_thread_x(); k < 2 * each; k += SV_PUT_W * SV_PUT_H) {
    sv_i32 plane = k / each, i = k % each, j = i - (SV_PUT_W + 1);
    bool across = j < 0;
    sv_i32 at = across ? left + i : top + j, box = across ? P.box_w : P.box_h;
    sv_i32 size = across ? sv_plane_width(p, plane) : sv_plane_height(p, plane);
    if (at < 0 || at > box) continue;  // padding
    sv_u32 v = P.filter == SV_AREA ? sv_edge(at, size, box) : (sv_u32)sv_place(at, size, box);
    if (across) to->x[plane][i] = v;
    else to->y[plane][j] = v;
  }
}

template <class T>
SV_GPU sv_u32 sv_read(const sv_picture &p, const T *at) {
  return sizeof(T) == 1 ? *at : (sv_u32)sv_min(*at >> p.word_shift, (1 << p.depth) - 1);
}

// sv_area of plane 1, whose samples are T. Within a footprint all weights are 256,
// so that only its first and last column are multiplied.
template <class T>
SV_GPU float sv_area_of(const sv_picture &p, sv_u32 x0, sv_u32 x1, sv_u32 y0, sv_u32 y1) {
  sv_i32 first = (sv_i32)(x0 >> 8), last = (sv_i32)((x1 - 1) >> 8), step = p.chroma_step;
  sv_u32 w_first = sv_weight(first, x0, x1), w_last = first == last ? 0 : sv_weight(last, x0, x1);
  const sv_u8 *base = (const sv_u8 *)p.plane[1] + first * step * (sv_i32)sizeof(T);
  sv_u64 acc = 0;
  for (sv_i32 r = (sv_i32)(y0 >> 8); r <= (sv_i32)((y1 - 1) >> 8); r++) {
    const T *at = (const T *)(base + (sv_i64)r * p.pitch[1]), *end = at + (last - first) * step;
    sv_u32 sides = w_first * sv_read(p, at) + w_last * sv_read(p, end), inside = 0;  // below 2^25 and 2^30
    for (at += step; at < end; at += step) inside += sv_read(p, at);
    acc += sv_weight(r, y0, y1) * (((sv_u64)inside << 8) + sides);
  }
  return (float)acc * (1.0f / (float)(x1 - x0)) * (1.0f / (float)(y1 - y0));
}

// The picture with any of its planes, luma too, as plane 1: what a loop over the
// planes can index without a detour through memory.
SV_GPU sv_picture sv_as_first_chroma(sv_picture p, sv_i32 plane) {
  if (plane == 1) return p;
  p.plane[1] = plane == 0 ? p.plane[0] : p.plane[2];
  p.pitch[1] = plane == 0 ? p.pitch[0] : p.pitch[2];
  if (plane != 0) return p;
  p.chroma_width = p.width;
  p.chroma_height = p.height;
  p.chroma_shift_x = p.chroma_shift_y = 0;
  p.chroma_step = 1;
  return p;
}

// sv_resample of a position of the thread block.
SV_GPU float sv_resample_at(const sv_places *at, const sv_plan &P, const sv_picture &picture, sv_i32 plane, sv_i32 x, sv_i32 y) {
  sv_picture p = sv_as_first_chroma(picture, plane);
  if (P.filter == SV_NONE) return sv_native(p, 1, x, y);
  const sv_u32 *across = &at->x[plane != 0][sv_thread_x()], *down = &at->y[plane != 0][sv_thread_y()];
  if (P.filter == SV_BILINEAR) return sv_bilinear(p, 1, (sv_i32)*across, (sv_i32)*down);
  sv_u32 x0 = across[0], x1 = sv_max(across[1], x0 + 1), y0 = down[0], y1 = sv_max(down[1], y0 + 1);
  if (p.sample_bytes == 1) return sv_area_of<sv_u8>(p, x0, x1, y0, y1);
  return sv_area_of<sv_u16>(p, x0, x1, y0, y1);
}

// sv_put of the positions of a thread block, one a thread.
template <class O>
SV_GPU void sv_put_positions(sv_places *at, const sv_plan &P, const sv_picture &p, O *dst) {
  if (P.filter != SV_NONE) {
    sv_places_find(at, P, p);
    __syncthreads();
  }
  sv_i32 x = SV_PUT_W * sv_group_x() + sv_thread_x(), y = SV_PUT_H * sv_group_y() + sv_thread_y();
  if (x >= P.out_width || y >= P.out_height) return;
  if (!sv_in_box(P, x, y)) return sv_put_pad(P, dst, x, y);
  float Y = 0, U = sv_neutral(P), V = U;
  sv_i32 planes = P.channels == SV_RGB && p.chroma_width > 0 ? 3 : 1;
  for (sv_i32 i = 0; i < planes; i++) {
    float v = sv_resample_at(at, P, p, i, x - P.box_x, y - P.box_y);
    if (i == 0) Y = v;
    else if (i == 1) U = v;
    else V = v;
  }
  sv_put_samples(P, dst, x, y, Y, U, V);
}

// Four samples of native luma from column x of a row on; the last column repeats.
template <class T>
SV_GPU void sv_luma_samples(const sv_picture &p, const T *row, sv_i32 x, sv_u32 *s) {
  typedef T sv_vector __attribute__((ext_vector_type(4)));
  if (x + 4 <= p.width && (sv_u64)(row + x) % sizeof(sv_vector) == 0) {
    sv_vector v = *(const sv_vector *)(row + x);
    s[0] = v.x; s[1] = v.y; s[2] = v.z; s[3] = v.w;
  } else {
    SV_UNROLL for (sv_i32 i = 0; i < 4; i++) s[i] = row[sv_min(x + i, p.width - 1)];
  }
  if (sizeof(T) == 1) return;
  sv_i32 most = (1 << p.depth) - 1;
  SV_UNROLL for (sv_i32 i = 0; i < 4; i++) s[i] = (sv_u32)sv_min((sv_i32)(s[i] >> p.word_shift), most);
}

// Native luma: positions x..x+3 of row y, as far as the tensor has them. 8-bit
// samples stay what they are in a tensor of bytes.
template <class T, class O>
SV_GPU void sv_put_four(const sv_plan &P, const sv_picture &p, O *dst, sv_i32 x, sv_i32 y) {
  typedef O sv_vector __attribute__((ext_vector_type(4)));
  sv_u32 s[4];
  O o[4];
  sv_luma_samples(p, (const T *)((const sv_u8 *)p.plane[0] + (sv_i64)sv_min(y, p.height - 1) * p.pitch[0]), x, s);
  SV_UNROLL for (sv_i32 i = 0; i < 4; i++) {
    if (sizeof(T) == 1 && sizeof(O) == 1) o[i] = (O)s[i];
    else sv_store(o + i, sv_clip((float)s[i] * P.in_scale), P.mul[0], P.add[0]);
  }
  dst += (sv_i64)y * P.out_width + x;
  if (x + 4 <= P.out_width && (sv_u64)dst % sizeof(sv_vector) == 0) {
    sv_vector v = {o[0], o[1], o[2], o[3]};
    *(sv_vector *)dst = v;
  } else {
    SV_UNROLL for (sv_i32 i = 0; i < 4; i++)
      if (x + i < P.out_width) dst[i] = o[i];
  }
}

template <class T, class O>
SV_GPU void sv_put_luma_of(const sv_plan &P, const sv_picture &p, O *dst) {
  sv_i32 x = SV_LUMA_W * (SV_PUT_W * sv_group_x() + sv_thread_x()), y = SV_PUT_H * SV_LUMA_H * sv_group_y() + sv_thread_y();
  if (x >= P.out_width) return;
  for (sv_i32 end = sv_min(P.out_height, y + SV_PUT_H * SV_LUMA_H); y < end; y += SV_PUT_H) sv_put_four<T>(P, p, dst, x, y);
}

template <class O>
SV_GPU void sv_put_luma(const sv_plan &P, const sv_picture &p, O *dst) {
  if (p.sample_bytes == 1) sv_put_luma_of<sv_u8>(P, p, dst);
  else sv_put_luma_of<sv_u16>(P, p, dst);
}

#endif
