// Conversion of a picture into a row of a tensor, output row by output row. S is
// one of the simd_*.h.
#ifndef SV_PUT_H
#define SV_PUT_H
#include "carver.h"
#include "cpu.h"
#include "put_rows.h"

// What a plan keeps in its scratch: tables, made once, and buffers.
struct PutState {
  bool reference;  // the plan is beyond the fast forms
  bool small[3];   // sums of a footprint stay below 2^31
  sv_i32 chunk;    // rows that sum_rows may add up
  Taps taps[3];
  Taps2 taps2[3];
  AreaRow area[3];
  BilinearRow bilinear[3];
  float *row[3];
};

static sv_i32 channels_of(const sv_plan &P) { return P.channels == SV_RGB ? 3 : 1; }
// The planes that are read; a picture without chroma becomes grey.
static sv_i32 planes_of(const sv_plan &P, const sv_picture &p) { return P.channels == SV_LUMA || p.chroma_width == 0 ? 1 : 3; }
static sv_i32 step_of(const sv_picture &p, sv_i32 plane) { return plane == 0 ? 1 : p.chroma_step; }

// Beyond these bounds the 16-bit sums of the area filter would not hold.
static bool beyond_area(const sv_plan &P, const sv_picture &p) {
  return P.filter == SV_AREA && (p.depth > 12 || p.width / P.box_w + 2 > FOOTPRINT_MAX || p.height / P.box_h + 2 > FOOTPRINT_MAX);
}

// Lays the tables out; sets no more than pointers.
static sv_u64 put_carve(PutState *&s, sv_u8 *scratch, const sv_plan &P, const sv_picture &p) {
  PutState counted;
  Carver c = {scratch, 0};
  c.take(s, 1);
  PutState &k = scratch ? *s : counted;
  if (beyond_area(P, p)) return c.used;
  sv_u64 n = (sv_u64)P.box_w + 4;  // rows are written in fours
  for (sv_i32 i = 0; i < channels_of(P); i++) c.take(k.row[i], n);
  for (sv_i32 i = 0; i < planes_of(P, p); i++) {
    if (P.filter == SV_AREA) {
      sv_i32 step = step_of(p, i), w = sv_plane_width(p, i);
      sv_u64 taps = (sv_u64)chunks_for(w, P.box_w, step) * TAPS;
      c.take(k.taps[i].start, n);
      c.take(k.taps[i].scale, n);
      c.take(k.taps[i].weight, n * taps);
      c.take(k.area[i].sums, (sv_u64)w * (sv_u64)step + taps + 64);
      for (int e = 0; e < 2; e++) c.take(k.area[i].edge[e], n);
      c.take(k.area[i].weighted, n);
      c.take(k.area[i].total, n);
    } else if (P.filter == SV_BILINEAR) {
      c.take(k.taps2[i].left, n);
      c.take(k.taps2[i].right, n);
      c.take(k.taps2[i].weight, n);
      for (int e = 0; e < 2; e++) c.take(k.bilinear[i].kept[e], n);
    }
  }
  return c.used;
}

// Fills the tables of a plan for pictures like p, whose planes are not looked at.
static inline void put_begin(sv_u8 *scratch, const sv_plan &P, const sv_picture &p) {
  PutState *s;
  put_carve(s, scratch, P, p);
  s->reference = beyond_area(P, p);
  if (s->reference) return;
  sv_u64 most = (1ull << p.depth) - 1;
  s->chunk = (sv_i32)(32767 / most);
  for (sv_i32 i = 0; i < planes_of(P, p); i++) {
    sv_i32 step = step_of(p, i), offset = i == 2 ? step - 1 : 0, w = sv_plane_width(p, i), h = sv_plane_height(p, i);
    sv_u64 across = ((sv_u64)w * 256 / (sv_u64)P.box_w) + 1, down = ((sv_u64)h * 256 / (sv_u64)P.box_h) + 1;
    s->small[i] = most * across * down < 1ull << 31;
    if (P.filter == SV_AREA) taps_begin(s->taps[i], w, P.box_w, step, offset);
    if (P.filter == SV_BILINEAR) taps2_begin(s->taps2[i], w, P.box_w, step, offset);
  }
}

static Source source_of(const sv_picture &p, sv_i32 plane) {
  sv_i32 from = plane == 2 && p.chroma_step == 2 ? 1 : plane;  // interleaved rows begin with U
  Source s = {(const sv_u8 *)p.plane[from], p.pitch[from], sv_plane_width(p, plane) * step_of(p, plane), sv_plane_height(p, plane),
              p.sample_bytes, p.word_shift, (1 << p.depth) - 1};
  return s;
}

// Box row y of a plane, in sample units, into k.row[plane].
template <class S>
static void resample_row(const sv_plan &P, const sv_picture &p, PutState &k, sv_i32 plane, sv_i32 y) {
  Source s = source_of(p, plane);
  if (P.filter == SV_AREA) {
    Area<S>::row(s, k.taps[plane], k.area[plane], y, P.box_h, k.chunk, k.small[plane], k.row[plane]);
  } else if (P.filter == SV_BILINEAR) {
    bilinear_row(s, k.taps2[plane], k.bilinear[plane], y, P.box_h, k.row[plane]);
  } else {
    sv_i32 sx = plane ? p.chroma_shift_x : 0, sy = plane ? p.chroma_shift_y : 0;
    sv_i32 step = step_of(p, plane), offset = plane == 2 ? step - 1 : 0;
    native_row(s, sv_min(y, p.height - 1) >> sy, p.width, P.box_w, step, offset, sx, k.row[plane]);
  }
}

template <class O>
static void pad_row(O *out, sv_i32 from, sv_i32 to, float v) {
  for (sv_i32 x = from; x < to; x++) sv_store_pad(out + x, v);
}

template <class S, class O>
static void put_rows(const sv_plan &P, const sv_picture &p, PutState &k, O *dst) {
  sv_i32 planes = planes_of(P, p), channels = channels_of(P);
  for (sv_i32 i = 0; i < planes; i++)
    k.area[i].edge_row[0] = k.area[i].edge_row[1] = k.bilinear[i].row[0] = k.bilinear[i].row[1] = -1;
  for (sv_i32 y = 0; y < P.out_height; y++) {
    sv_i32 by = y - P.box_y;
    bool inside = by >= 0 && by < P.box_h;
    if (inside) {
      for (sv_i32 i = 0; i < planes; i++) resample_row<S>(P, p, k, i, by);
      for (sv_i32 i = planes; i < channels; i++) neutral_row(P, k.row[i], P.box_w);
      if (channels == 1) luma_row(P, k.row[0], P.box_w);
      else colour_row(P, k.row[0], k.row[1], k.row[2], P.box_w);
    }
    for (sv_i32 c = 0; c < channels; c++) {
      O *out = dst + ((sv_i64)c * P.out_height + y) * P.out_width;
      pad_row(out, 0, inside ? P.box_x : P.out_width, P.pad[c]);
      if (!inside) continue;
      store_row(out + P.box_x, k.row[c], P.box_w, P.mul[c], P.add[c]);
      pad_row(out, P.box_x + P.box_w, P.out_width, P.pad[c]);
    }
  }
}

// The native 8-bit luma of an 8-bit picture: a copy.
static void copy_luma(const sv_plan &P, const sv_picture &p, sv_u8 *dst) {
  unsigned width = (unsigned)p.width, pad = (unsigned)(P.out_width - p.width);
  for (sv_i32 y = 0; y < P.out_height; y++, dst += P.out_width) {
    const sv_u8 *row = (const sv_u8 *)p.plane[0] + (sv_i64)sv_min(y, p.height - 1) * p.pitch[0];
    __builtin_memcpy(dst, row, width);
    if (pad) __builtin_memset(dst + width, row[width - 1], pad);
  }
}

// Whether the plan was put; if not, the reference body has to.
template <class S>
static bool put(const sv_plan &P, const sv_picture &p, void *dst, void *scratch) {
  PutState &k = *(PutState *)scratch;
  if (k.reference) return false;
  if (P.type == SV_U8 && P.channels == SV_LUMA && P.filter == SV_NONE && p.sample_bytes == 1) {
    copy_luma(P, p, (sv_u8 *)dst);
    return true;
  }
  if (P.type == SV_U8) put_rows<S>(P, p, k, (sv_u8 *)dst);
  else if (P.type == SV_F16) put_rows<S>(P, p, k, (sv_u16 *)dst);
  else put_rows<S>(P, p, k, (float *)dst);
  return true;
}

#endif
