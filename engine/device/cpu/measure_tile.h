// One tile of the measures: a column of up to 16 rows, as wide as a vector.
// Rows are walked downwards so that what a row shares with the next one stays in
// registers. S is one of the simd_*.h.
#ifndef SV_MEASURE_TILE_H
#define SV_MEASURE_TILE_H
#include "../kernels/measure.h"

enum {
  STRIP_ABOVE = 8, STRIP_BELOW = 10,  // rows around a strip that the bands look at
  STRIP_ROWS = STRIP_ABOVE + SV_BLOCK + STRIP_BELOW,
  AHEAD = 512,                        // bytes: rows are asked for so far ahead of their use
  TILE_MAX = 64,                      // bytes of the widest vector
};

// 16 rows of luma and those around them.
struct Strip {
  const sv_u8 *rows[STRIP_ROWS];  // row y-STRIP_ABOVE and on; those outside the picture repeat the nearest
  const sv_u8 *before[SV_BLOCK];  // rows of the previous picture; without one, the rows themselves
  sv_i32 y, count;                // first row, and rows: 1..16
  sv_i32 height;                  // of the picture
  const sv_u8 *row(sv_i32 r) const { return rows[STRIP_ABOVE + r]; }
};

// Which lanes of a tile on the picture's left or right edge have the neighbours
// that a measure needs. Lanes outside the picture hold zero.
struct Edge {
  alignas(64) sv_u8 inside[TILE_MAX], inner[TILE_MAX], band[TILE_MAX];  // x, x +- 1, x-8..x+9 exist: 0xff
  alignas(64) sv_u16 left1[TILE_MAX], left4[TILE_MAX], inner_w[TILE_MAX];  // x-1, x-4, x +- 1 exist: 0xffff
};

// Sums over the tiles of a strip (those of 32-bit lanes) and of a picture.
template <class S>
struct Totals {
  typedef typename S::V V;
  // 32-bit lanes, emptied after a strip: a lane gains at most 16 * 2 * 65025 a
  // tile, and a strip has at most 16384/8 tiles: 4.27e9 < 2^32.
  V sum_sq, g1, g4, v1, v4;
  V laplacian;  // 32-bit lanes: 2 * 16 * 1020 a tile
  V comb, comb_columns, edge_rows[SV_BLOCK];  // 64-bit lanes
  V min, max;                                 // bytes
  sv_u32 bands[5];                            // flat positions by their step of 0..4
  sv_u32 edge_columns[2 * SV_BLOCK];          // by x%16, or x%32 for wide vectors: <= 2^28/16 * 32
};

// What a strip leaves behind, by column or by group of 8 columns.
struct Columns {
  sv_u16 *steps;  // sum of steps from the left over the rows of the strip: <= 16 * 32
  sv_u16 *noise;  // sum of |N*y|: <= 16 * 2040 < 2^15
  sv_u16 *luma;   // sum of samples: <= 16 * 255
  sv_u64 *sad;                    // by 8 columns
  sv_u64 *top0, *top1, *bottom;   // steps upwards of the strip's rows 0, 1 and 15, by 8 columns
  sv_u8 *lowest, *highest;        // of the whole column so far
};

// A tile is EDGE when its columns lack neighbours inside the picture, and DEEP
// when its strip has 16 rows and a row above and below.

// What is done in 16-bit words: gradients, second differences. x is the first of
// S::WORDS columns; e holds the masks from there on.
template <class S, bool EDGE, bool DEEP>
static inline void tile_words(const Strip &s, sv_i32 x, const Edge *e, sv_i32 lane, Totals<S> &t, const Columns &out) {
  typedef typename S::V V;
  const V cut = S::fill_w(SV_STEP_MAX);
  V sum_sq = t.sum_sq, g1 = t.g1, g4 = t.g4, luma = S::zero(), steps = S::zero(), laplacian = S::zero(), noise = S::zero();
  V above = S::widen(s.row(-1) + x), c = S::widen(s.row(0) + x);
  V g_above = S::sub_w(above, S::widen(s.row(-1) + x - 1)), g = S::sub_w(c, S::widen(s.row(0) + x - 1));  // from the left
  V h_above = S::sub_w(S::sub_w(S::widen(s.row(-1) + x + 1), above), g_above);  // second difference
  V h = S::sub_w(S::sub_w(S::widen(s.row(0) + x + 1), c), g);
  V q = S::sub_w(c, above), p = S::sub_w(h, h_above);  // steps downwards of c and of h
  const sv_i32 count = DEEP ? SV_BLOCK : s.count;
#pragma GCC unroll 4
  for (sv_i32 r = 0; r < count; r++) {
    const sv_u8 *below = s.row(r + 1) + x;
    luma = S::add_w(luma, c);
    sum_sq = S::add_square(sum_sq, c);
    V d1 = g, d4 = S::sub_w(c, S::widen(s.row(r) + x - 4));
    if (EDGE) { d1 = S::bit_and(d1, S::load(e->left1 + lane)); d4 = S::bit_and(d4, S::load(e->left4 + lane)); }
    g1 = S::add_square(g1, d1);
    g4 = S::add_square(g4, d4);
    steps = S::add_w(steps, S::min_w(S::abs_w(d1), cut));

    V c_next = S::widen(below), g_next = S::sub_w(c_next, S::widen(below - 1));
    V h_next = S::sub_w(S::sub_w(S::widen(below + 1), c_next), g_next);
    V q_next = S::sub_w(c_next, c), p_next = S::sub_w(h_next, h);
    if (DEEP || (s.y + r > 0 && s.y + r < s.height - 1)) {
      V l = S::abs_w(S::add_w(h, S::sub_w(q_next, q))), n = S::abs_w(S::sub_w(p_next, p));
      if (EDGE) { V m = S::load(e->inner_w + lane); l = S::bit_and(l, m); n = S::bit_and(n, m); }
      laplacian = S::add_w(laplacian, l);
      noise = S::add_w(noise, n);
    }
    if (r % SV_SPARSE_ROWS == 0) {  // below the last row q_next is zero
      t.v1 = S::add_square(t.v1, q_next);
      if (DEEP || s.y + r + 4 < s.height) t.v4 = S::add_square(t.v4, S::sub_w(S::widen(s.row(r + 4) + x), c));
    }
    c = c_next; g = g_next; h = h_next; q = q_next; p = p_next;
  }
  t.sum_sq = sum_sq; t.g1 = g1; t.g4 = g4;
  t.laplacian = S::add_d(t.laplacian, S::pair(laplacian, S::fill_w(1)));
  S::store(out.luma + x, luma);
  S::store(out.steps + x, steps);
  S::add_wide(t.edge_columns + x % SV_BLOCK, steps);
  S::store(out.noise + x, noise);
}

template <class S>
static inline typename S::Mask tooth(typename S::V before, typename S::V c, typename S::V after) {
  typename S::V hi = S::max_b(before, after), lo = S::min_b(before, after);
  return S::both(S::at_most(S::drop_b(hi, lo), S::fill_b(SV_COMB_LEVELS)),
                 S::at_most(S::fill_b(SV_COMB_LEVELS + 1), S::max_b(S::drop_b(c, hi), S::drop_b(lo, c))));
}

// What is done in bytes: differences to the previous picture, combs, extremes.
template <class S, bool EDGE, bool DEEP>
static inline void tile_bytes(const Strip &s, sv_i32 x, const Edge *e, Totals<S> &t, const Columns &out) {
  typedef typename S::V V;
  const V none = S::zero(), cut = S::fill_b(SV_STEP_MAX);
  V up = S::load(s.row(-1) + x), c = S::load(s.row(0) + x);
  V sad = none, comb = none, comb_columns = none, lowest = S::fill_b(255), highest = none;
  const sv_i32 count = DEEP ? SV_BLOCK : s.count;
#pragma GCC unroll 16
  for (sv_i32 r = 0; r < count; r++) {
    const sv_u8 *row = s.row(r) + x;
    V down = S::load(s.row(r + 1) + x);
    __builtin_prefetch(s.row(r + STRIP_BELOW - 1) + x + AHEAD);
    __builtin_prefetch(s.before[r] + x + AHEAD);
    sad = S::add_q(sad, S::sad(c, S::load(s.before[r] + x)));
    lowest = S::min_b(lowest, c);
    highest = S::max_b(highest, c);
    comb = S::count(comb, tooth<S>(up, c, down));
    typename S::Mask m = tooth<S>(S::load(row - 1), c, S::load(row + 1));
    if (EDGE) m = S::both(m, S::mask(e->inner));
    comb_columns = S::count(comb_columns, m);
    V step = S::sad(S::min_b(S::diff_b(c, up), cut), none);
    t.edge_rows[r] = S::add_q(t.edge_rows[r], step);
    if (r == 0) S::store(out.top0 + x / 8, step);
    if (r == 1) S::store(out.top1 + x / 8, step);
    if (r == SV_BLOCK - 1) S::store(out.bottom + x / 8, step);
    up = c;
    c = down;
  }
  if (EDGE) lowest = S::bit_or(lowest, S::without(S::fill_b(255), S::load(e->inside)));
  t.min = S::min_b(t.min, lowest);
  t.max = S::max_b(t.max, highest);
  t.comb = S::add_q(t.comb, S::sad(comb, none));
  t.comb_columns = S::add_q(t.comb_columns, S::sad(comb_columns, none));
  S::store(out.sad + x / 8, sad);
  S::store(out.lowest + x, S::min_b(lowest, S::load(out.lowest + x)));
  S::store(out.highest + x, S::max_b(highest, S::load(out.highest + x)));
}

// Counts the positions between two plateaus by their step.
template <class S>
static inline void plateaus(const sv_u8 *a, const sv_u8 *b, const sv_u8 *c, const sv_u8 *d, const sv_u8 *f, const sv_u8 *g,
                            const sv_u8 *mask, sv_u32 *n) {
  typename S::V vc = S::load(c), vd = S::load(d);
  typename S::Mask m = S::both(S::both(S::equal(S::load(b), vc), S::equal(vd, S::load(f))),
                               S::both(S::equal(S::load(a), vc), S::equal(vd, S::load(g))));
  if (mask) m = S::both(m, S::mask(mask));
  if (!S::any(m)) return;
  typename S::V step = S::diff_b(vc, vd);
  for (int k = 0; k < 5; k++) n[k] += S::ones(S::both(m, S::equal(step, S::fill_b(k))));
}

template <class S>
static inline void tile_bands(const Strip &s, sv_i32 x, const Edge *e, Totals<S> &t) {
  for (sv_i32 r = 0; r < s.count; r += SV_SPARSE_ROWS) {
    const sv_u8 *c = s.row(r) + x;
    plateaus<S>(c - 8, c - 4, c, c + 1, c + 5, c + 9, e ? e->band : 0, t.bands);
    if (s.y + r >= 8 && s.y + r + 9 < s.height)
      plateaus<S>(s.row(r - 8) + x, s.row(r - 4) + x, c, s.row(r + 1) + x, s.row(r + 5) + x, s.row(r + 9) + x,
                  e ? e->inside : 0, t.bands);
  }
}

#endif
