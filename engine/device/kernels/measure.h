// The measures of a picture against the one before it. The work is cut into
// items that do not depend on each other: luma blocks, chroma blocks, rows,
// columns and grid cells. An item adds its share to the measures with integer
// adds, minima and maxima, so items may run in any order; finish comes last.
//
// The bodies say what is summed. The fast forms (device/cpu, and the .cuh files for
// a GPU, where sv_add is atomic) compute the same sums in other loops.
#ifndef SV_MEASURE_H
#define SV_MEASURE_H
#include "sample.h"

#if defined(__CUDA_ARCH__)
SV_HD void sv_add(sv_u32 *p, sv_u32 v) { asm volatile("red.global.add.u32 [%0], %1;" ::"l"(p), "r"(v) : "memory"); }
SV_HD void sv_add(sv_u64 *p, sv_u64 v) { asm volatile("red.global.add.u64 [%0], %1;" ::"l"(p), "l"(v) : "memory"); }
SV_HD void sv_lower(sv_u32 *p, sv_u32 v) { asm volatile("red.global.min.u32 [%0], %1;" ::"l"(p), "r"(v) : "memory"); }
SV_HD void sv_raise(sv_u32 *p, sv_u32 v) { asm volatile("red.global.max.u32 [%0], %1;" ::"l"(p), "r"(v) : "memory"); }
#else
SV_HD void sv_add(sv_u32 *p, sv_u32 v) { *p += v; }
SV_HD void sv_add(sv_u64 *p, sv_u64 v) { *p += v; }
SV_HD void sv_lower(sv_u32 *p, sv_u32 v) { if (v < *p) *p = v; }
SV_HD void sv_raise(sv_u32 *p, sv_u32 v) { if (v > *p) *p = v; }
#endif

enum {
  SV_STEP_MAX = 32,      // steps between neighbours are cut off here: one sharp edge must not outweigh a grid
  SV_SIDE_EXCESS = 8,    // a block side stands out by more than so many levels
  SV_COMB_LEVELS = 10,
  SV_BAR_SPREAD = 8, SV_BAR_LEVEL = 40,
  SV_NOISE_LOW = 24, SV_NOISE_HIGH = 228,  // mean luma of the blocks whose noise counts
  SV_NOISE_STEP = 2,                       // levels a bin
  SV_SPARSE_ROWS = 4,                      // vertical gradients and bands look at every so many rows
};

// |a - b| of two luma samples, cut off.
SV_HD sv_i32 sv_step(const sv_picture &p, sv_i32 x0, sv_i32 y0, sv_i32 x1, sv_i32 y1) {
  return sv_min(sv_abs(sv_sample8(p, 0, x0, y0) - sv_sample8(p, 0, x1, y1)), SV_STEP_MAX);
}

SV_HD sv_i32 sv_blocks_x(const sv_picture &p) { return (p.width + SV_BLOCK - 1) / SV_BLOCK; }
SV_HD sv_i32 sv_blocks_y(const sv_picture &p) { return (p.height + SV_BLOCK - 1) / SV_BLOCK; }

// Whether the left side of block (bx, by) stands out: twice the sum of steps over
// the side exceeds those one sample before and after by 2*SV_SIDE_EXCESS a row.
// Sides on the picture's edge, and sides without a sample after, do not.
SV_HD bool sv_left_side(const sv_picture &p, sv_i32 bx, sv_i32 by) {
  sv_i32 x = bx * SV_BLOCK, y0 = by * SV_BLOCK, y1 = sv_min(y0 + SV_BLOCK, p.height);
  if (bx == 0 || by >= sv_blocks_y(p) || x + 1 >= p.width) return false;
  sv_i32 excess = 0;  // |excess| <= 16 * 64
  for (sv_i32 y = y0; y < y1; y++)
    excess += 2 * sv_step(p, x, y, x - 1, y) - sv_step(p, x - 1, y, x - 2, y) - sv_step(p, x + 1, y, x, y);
  return excess > 2 * SV_SIDE_EXCESS * (y1 - y0);
}

SV_HD bool sv_top_side(const sv_picture &p, sv_i32 bx, sv_i32 by) {
  sv_i32 y = by * SV_BLOCK, x0 = bx * SV_BLOCK, x1 = sv_min(x0 + SV_BLOCK, p.width);
  if (by == 0 || bx >= sv_blocks_x(p) || y + 1 >= p.height) return false;
  sv_i32 excess = 0;
  for (sv_i32 x = x0; x < x1; x++)
    excess += 2 * sv_step(p, x, y, x, y - 1) - sv_step(p, x, y - 1, x, y - 2) - sv_step(p, x, y + 1, x, y);
  return excess > 2 * SV_SIDE_EXCESS * (x1 - x0);
}

// Whether c sticks out of the samples before and after it (rows or columns) in
// one direction while those agree: a tooth of a comb.
SV_HD bool sv_comb(sv_i32 up, sv_i32 c, sv_i32 down) {
  sv_i32 hi = sv_max(up, down), lo = sv_min(up, down);
  return hi - lo <= SV_COMB_LEVELS && (c - hi > SV_COMB_LEVELS || lo - c > SV_COMB_LEVELS);
}

// The share of one sample that has neighbours on all sides; noise is the value of
// Immerkaer's mask (1 -2 1; -2 4 -2; 1 -2 1), |noise| <= 2040.
SV_HD void sv_inner(const sv_picture &p, sv_i32 x, sv_i32 y, sv_u32 &laplacian, sv_u32 &noise) {
  sv_i32 h[3];  // second differences of three rows
  for (sv_i32 i = 0; i < 3; i++)
    h[i] = sv_sample8(p, 0, x - 1, y + i - 1) - 2 * sv_sample8(p, 0, x, y + i - 1) + sv_sample8(p, 0, x + 1, y + i - 1);
  sv_i32 v = sv_sample8(p, 0, x, y - 1) - 2 * sv_sample8(p, 0, x, y) + sv_sample8(p, 0, x, y + 1);
  laplacian += (sv_u32)sv_abs(h[1] + v);
  noise += (sv_u32)sv_abs(h[0] - 2 * h[1] + h[2]);
}

// What the block says of the difference to the previous picture.
SV_HD void sv_block_changed(sv_measures *m, sv_u32 sad, sv_u32 n) {
  sv_add(&m->sad, (sv_u64)sad);
  sv_add(&m->blocks_changed[0], (sv_u32)(sad > 0));
  sv_add(&m->blocks_changed[1], (sv_u32)(2 * sad > n));
  sv_add(&m->blocks_changed[2], (sv_u32)(sad > 2 * n));
  sv_add(&m->blocks_changed[3], (sv_u32)(sad > 8 * n));
  sv_raise(&m->block_diff_max, sad * 256 / n);
}

// Counts a whole block with this sum of luma and this sum of noise over n inner
// samples by its mean |N*y|, if the luma leaves room for noise.
SV_HD void sv_block_noise(sv_measures *m, sv_u32 sum, sv_u32 noise, sv_u32 n) {
  if (sum < SV_NOISE_LOW * 256 || sum > SV_NOISE_HIGH * 256) return;
  sv_add(&m->noise_histogram[sv_min((sv_i32)(noise / (SV_NOISE_STEP * n)), SV_NOISE_BINS - 1)], 1u);
  sv_add(&m->noise_blocks, 1u);
}

// Two plateaus a, b, c and d, e, f with a step between c and d.
SV_HD void sv_band(sv_measures *m, sv_i32 a, sv_i32 b, sv_i32 c, sv_i32 d, sv_i32 e, sv_i32 f) {
  if (a != b || b != c || d != e || e != f) return;
  sv_i32 step = sv_abs(c - d);
  if (step == 0) sv_add(&m->band_flat, 1u);
  else if (step <= 4) sv_add(&m->band_steps[step - 1], 1u);
}

// What sample (x, y) of a sparse row says of bands, to its right and downwards.
SV_HD void sv_bands(sv_measures *m, const sv_picture &p, sv_i32 x, sv_i32 y) {
  if (x >= 8 && x + 9 < p.width)
    sv_band(m, sv_sample8(p, 0, x - 8, y), sv_sample8(p, 0, x - 4, y), sv_sample8(p, 0, x, y),
            sv_sample8(p, 0, x + 1, y), sv_sample8(p, 0, x + 5, y), sv_sample8(p, 0, x + 9, y));
  if (y >= 8 && y + 9 < p.height)
    sv_band(m, sv_sample8(p, 0, x, y - 8), sv_sample8(p, 0, x, y - 4), sv_sample8(p, 0, x, y),
            sv_sample8(p, 0, x, y + 1), sv_sample8(p, 0, x, y + 5), sv_sample8(p, 0, x, y + 9));
}

// How many positions sv_bands looks at.
SV_HD sv_u32 sv_band_samples(const sv_picture &p) {
  sv_u32 rows = (sv_u32)(p.height + SV_SPARSE_ROWS - 1) / SV_SPARSE_ROWS, across = (sv_u32)sv_max(p.width - 17, 0);
  sv_i32 last = p.height - 10;  // the last row that has 9 below it
  sv_u32 down = last < 8 ? 0 : (sv_u32)(last / SV_SPARSE_ROWS - 1);  // rows 8, 12, ...
  return rows * across + down * (sv_u32)p.width;
}

// Item: luma block (bx, by). previous may be null. Sums of one block fit 32 bits:
// 256 samples of at most 65025.
SV_HD void sv_luma_block(sv_measures *m, const sv_picture &p, const sv_picture *previous, sv_i32 bx, sv_i32 by) {
  sv_i32 x0 = bx * SV_BLOCK, y0 = by * SV_BLOCK, x1 = sv_min(x0 + SV_BLOCK, p.width), y1 = sv_min(y0 + SV_BLOCK, p.height);
  sv_u32 sum = 0, sum_sq = 0, sad = 0, laplacian = 0, noise = 0, inner = 0, lo = 255, hi = 0;
  sv_u32 g1 = 0, g4 = 0, v1 = 0, v4 = 0, comb = 0, comb_columns = 0;
  for (sv_i32 y = y0; y < y1; y++) {
    sv_u32 rows = 0;
    for (sv_i32 x = x0; x < x1; x++) {
      sv_i32 c = sv_sample8(p, 0, x, y);
      sum += (sv_u32)c;
      sum_sq += (sv_u32)(c * c);
      lo = c < (sv_i32)lo ? (sv_u32)c : lo;
      hi = c > (sv_i32)hi ? (sv_u32)c : hi;
      if (previous) sad += (sv_u32)sv_abs(c - sv_sample8(*previous, 0, x, y));
      if (x > 0) { sv_i32 d = c - sv_sample8(p, 0, x - 1, y); g1 += (sv_u32)(d * d); }
      if (x > 3) { sv_i32 d = c - sv_sample8(p, 0, x - 4, y); g4 += (sv_u32)(d * d); }
      if (y > 0) rows += (sv_u32)sv_step(p, x, y, x, y - 1);
      if (y > 0 && y < p.height - 1) {
        comb += sv_comb(sv_sample8(p, 0, x, y - 1), c, sv_sample8(p, 0, x, y + 1));
        if (x > 0 && x < p.width - 1) { sv_inner(p, x, y, laplacian, noise); inner++; }
      }
      if (x > 0 && x < p.width - 1) comb_columns += sv_comb(sv_sample8(p, 0, x - 1, y), c, sv_sample8(p, 0, x + 1, y));
      if (y % SV_HISTOGRAM_ROWS == 0) sv_add(&m->histogram[c / 4], 1u);
      if (y % SV_SPARSE_ROWS != 0) continue;
      if (y + 1 < p.height) { sv_i32 d = c - sv_sample8(p, 0, x, y + 1); v1 += (sv_u32)(d * d); }
      if (y + 4 < p.height) { sv_i32 d = c - sv_sample8(p, 0, x, y + 4); v4 += (sv_u32)(d * d); }
      sv_bands(m, p, x, y);
    }
    sv_add(&m->edge_rows[y % 16], (sv_u64)rows);
  }
  for (sv_i32 x = sv_max(x0, 1); x < x1; x++) {
    sv_u32 columns = 0;
    for (sv_i32 y = y0; y < y1; y++) columns += (sv_u32)sv_step(p, x, y, x - 1, y);
    sv_add(&m->edge_columns[x % 16], (sv_u64)columns);
  }
  sv_add(&m->sum, (sv_u64)sum);
  sv_add(&m->sum_sq, (sv_u64)sum_sq);
  sv_add(&m->laplacian, (sv_u64)laplacian);
  sv_add(&m->gradient_sq1, (sv_u64)g1);
  sv_add(&m->gradient_sq4, (sv_u64)g4);
  sv_add(&m->gradient_sq_v1, (sv_u64)v1);
  sv_add(&m->gradient_sq_v4, (sv_u64)v4);
  sv_add(&m->comb_pixels, comb);
  sv_add(&m->comb_columns, comb_columns);
  sv_lower(&m->min, lo);
  sv_raise(&m->max, hi);
  if (previous) sv_block_changed(m, sad, (sv_u32)((x1 - x0) * (y1 - y0)));
  if (x1 - x0 == SV_BLOCK && y1 - y0 == SV_BLOCK) sv_block_noise(m, sum, noise, inner);
  if (sv_left_side(p, bx, by) || sv_left_side(p, bx + 1, by) || sv_top_side(p, bx, by) || sv_top_side(p, bx, by + 1))
    sv_add(&m->edge_blocks, 1u);
}

// Item: 16x16 block (bx, by) of both chroma planes.
SV_HD void sv_chroma_block(sv_measures *m, const sv_picture &p, sv_i32 bx, sv_i32 by) {
  sv_i32 x0 = bx * SV_BLOCK, y0 = by * SV_BLOCK;
  sv_i32 x1 = sv_min(x0 + SV_BLOCK, p.chroma_width), y1 = sv_min(y0 + SV_BLOCK, p.chroma_height);
  sv_u32 u_sum = 0, u_sq = 0, v_sum = 0, v_sq = 0;
  for (sv_i32 y = y0; y < y1; y++)
    for (sv_i32 x = x0; x < x1; x++) {
      sv_u32 u = (sv_u32)sv_sample8(p, 1, x, y), v = (sv_u32)sv_sample8(p, 2, x, y);
      u_sum += u; u_sq += u * u; v_sum += v; v_sq += v * v;
      sv_lower(&m->u_min, u); sv_raise(&m->u_max, u);
      sv_lower(&m->v_min, v); sv_raise(&m->v_max, v);
    }
  sv_add(&m->u_sum, (sv_u64)u_sum); sv_add(&m->u_sum_sq, (sv_u64)u_sq);
  sv_add(&m->v_sum, (sv_u64)v_sum); sv_add(&m->v_sum_sq, (sv_u64)v_sq);
}

// First and last-plus-one sample of cell i of n over size samples. Cells of a
// picture smaller than the grid repeat samples.
SV_HD void sv_cell(sv_i32 i, sv_i32 n, sv_i32 size, sv_i32 &a, sv_i32 &b) {
  a = i * size / n;
  b = sv_max((i + 1) * size / n, a + 1);
}

// Item: grid cell (i, j) of a plane: the rounded mean. A cell has at most
// 512 * 911 samples, so its sum fits 32 bits.
SV_HD sv_u8 sv_grid_cell(const sv_picture &p, sv_i32 plane, sv_i32 i, sv_i32 j) {
  sv_i32 x0, x1, y0, y1;
  sv_cell(i, SV_GRID_W, sv_plane_width(p, plane), x0, x1);
  sv_cell(j, SV_GRID_H, sv_plane_height(p, plane), y0, y1);
  sv_u32 sum = 0, n = (sv_u32)((x1 - x0) * (y1 - y0));
  for (sv_i32 y = y0; y < y1; y++)
    for (sv_i32 x = x0; x < x1; x++) sum += (sv_u32)sv_sample8(p, plane, x, y);
  return (sv_u8)((sum + n / 2) / n);
}

// Whether samples within [lo, hi] make a bar.
SV_HD bool sv_is_bar(sv_i32 lo, sv_i32 hi) { return hi - lo <= SV_BAR_SPREAD && hi <= SV_BAR_LEVEL; }

// Items: whether a row or a column is part of a bar.
SV_HD bool sv_row_is_bar(const sv_picture &p, sv_i32 y) {
  sv_i32 lo = 255, hi = 0;
  for (sv_i32 x = 0; x < p.width; x++) { sv_i32 c = sv_sample8(p, 0, x, y); lo = sv_min(lo, c); hi = sv_max(hi, c); }
  return sv_is_bar(lo, hi);
}
SV_HD bool sv_column_is_bar(const sv_picture &p, sv_i32 x) {
  sv_i32 lo = 255, hi = 0;
  for (sv_i32 y = 0; y < p.height; y++) { sv_i32 c = sv_sample8(p, 0, x, y); lo = sv_min(lo, c); hi = sv_max(hi, c); }
  return sv_is_bar(lo, hi);
}

// Before all items. m is zero otherwise.
SV_HD void sv_measures_begin(sv_measures *m, const sv_picture &p, bool has_previous) {
  m->width = (sv_u32)p.width;
  m->height = (sv_u32)p.height;
  m->pixels = m->width * m->height;
  m->chroma_pixels = (sv_u32)p.chroma_width * (sv_u32)p.chroma_height;
  m->histogram_rows = SV_HISTOGRAM_ROWS;
  m->has_previous = has_previous;
  m->blocks = (sv_u32)(sv_blocks_x(p) * sv_blocks_y(p));
  m->band_samples = sv_band_samples(p);
  m->min = 255;
  m->u_min = m->v_min = m->chroma_pixels ? 255 : 0;
}

#endif
