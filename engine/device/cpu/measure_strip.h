// The fused measures in one pass: strips of 16 rows from top to bottom, so that
// each row comes from memory once. S is one of the simd_*.h.
#ifndef SV_MEASURE_STRIP_H
#define SV_MEASURE_STRIP_H
#include "carver.h"
#include "cpu.h"
#include <emmintrin.h>
#include "grid.h"
#include "histogram.h"
#include "measure_tile.h"

enum { PAD = 16, EDGE_PITCH = PAD + TILE_MAX + PAD };

// The state of one picture under measurement. Memory is carved from scratch.
template <class S>
struct Measuring {
  sv_measures *m;
  sv_i32 width, height, blocks, tiles;
  bool has_previous;
  Rows luma, before, chroma[2];
  Grid grid_y, grid[2];
  Totals<S> totals;
  Columns columns;
  sv_u64 *bottom_above;  // Columns.bottom of the strip above
  sv_u8 *pending;        // by block of the strip above: a side stands out
  Histogram histogram;
  Edge *edges;           // of the first tile, the last but one, and the last
  sv_u8 *window;         // an edge tile with its surroundings: STRIP_ROWS + SV_BLOCK rows
};

template <class S>
static sv_u64 carve(Measuring<S> &k, sv_u8 *scratch, const sv_picture &p) {
  Carver c = {scratch, 0};
  sv_u64 w = (sv_u64)p.width + TILE_MAX;
  c.take(k.columns.steps, w + 1);
  c.take(k.columns.noise, w);
  c.take(k.columns.luma, w);
  c.take(k.columns.sad, w / 8);
  c.take(k.columns.top0, w / 8);
  c.take(k.columns.top1, w / 8);
  c.take(k.columns.bottom, w / 8);
  c.take(k.bottom_above, w / 8);
  c.take(k.columns.lowest, w);
  c.take(k.columns.highest, w);
  c.take(k.pending, w / SV_BLOCK + 1);
  c.take(k.histogram.pairs, 2 * HISTOGRAM_KEYS);
  c.take(k.edges, 3);
  c.take(k.window, (STRIP_ROWS + SV_BLOCK) * EDGE_PITCH);
  c.take(k.grid_y.sums, w);
  c.take(k.grid[0].sums, w);
  c.take(k.grid[1].sums, w);
  sv_u64 rings = 0;
  if (!in_place(p, 0)) rings = 4;
  else if (p.chroma_width > 0 && !in_place(p, 1)) rings = 2;
  sv_u8 **ring[4] = {&k.chroma[0].ring, &k.chroma[1].ring, &k.luma.ring, &k.before.ring};
  for (sv_u64 i = 0; i < 4; i++) c.take(*ring[i], i < rings ? SV_RING * w : 0);
  return c.used;
}

static inline sv_u8 mask_b(bool on) { return on ? 0xff : 0; }
static inline sv_u16 mask_w(bool on) { return on ? 0xffff : 0; }

static void edge_begin(Edge &e, sv_i32 x0, sv_i32 width) {
  for (sv_i32 i = 0; i < TILE_MAX; i++) {
    sv_i32 x = x0 + i;
    bool inner = x > 0 && x < width - 1;
    e.inside[i] = mask_b(x < width);
    e.inner[i] = mask_b(inner);
    e.band[i] = mask_b(x >= 8 && x + 9 < width);
    e.left1[i] = mask_w(x >= 1 && x < width);
    e.left4[i] = mask_w(x >= 4 && x < width);
    e.inner_w[i] = mask_w(inner);
  }
}

// Copies the surroundings of the tile at x into the window, zero outside the
// picture, and gives a strip that reads there.
template <class S>
static Strip window_at(Measuring<S> &k, const Strip &s, sv_i32 x) {
  Strip w = s;
  sv_i32 from = sv_max(x - PAD, 0), to = sv_min(x + S::BYTES + PAD, k.width);
  for (sv_i32 i = 0; i < STRIP_ROWS + SV_BLOCK; i++) {
    bool now = i < STRIP_ROWS;
    sv_u8 *out = k.window + i * EDGE_PITCH;
    const sv_u8 *in = now ? s.rows[i] : s.before[i - STRIP_ROWS];
    __builtin_memset(out, 0, EDGE_PITCH);
    if (now || i - STRIP_ROWS < s.count) __builtin_memcpy(out + (from - (x - PAD)), in + from, (unsigned)(to - from));
    (now ? w.rows[i] : w.before[i - STRIP_ROWS]) = out + PAD - x;
  }
  return w;
}

template <class S, bool EDGE, bool DEEP>
static inline void tile(Measuring<S> &k, const Strip &s, sv_i32 x, const Edge *e) {
  tile_words<S, EDGE, DEEP>(s, x, e, 0, k.totals, k.columns);
  tile_words<S, EDGE, DEEP>(s, x + S::WORDS, e, S::WORDS, k.totals, k.columns);
  tile_bytes<S, EDGE, DEEP>(s, x, e, k.totals, k.columns);
  tile_bands<S>(s, x, e, k.totals);
}

template <class S>
static void strip_tiles(Measuring<S> &k, const Strip &s) {
  bool deep = s.y > 0 && s.y + SV_BLOCK < s.height;
  for (sv_i32 i = 0; i < k.tiles; i++) {
    sv_i32 x = i * S::BYTES;
    bool edge = x < 8 || x + S::BYTES + 9 > k.width;
    if (edge) tile<S, true, false>(k, window_at(k, s, x), x, &k.edges[i == 0 ? 0 : i == k.tiles - 1 ? 2 : 1]);
    else if (deep) tile<S, false, true>(k, s, x, 0);
    else tile<S, false, false>(k, s, x, 0);
  }
}

static sv_i32 pair_sum(const sv_u64 *by8, sv_i32 block) { return (sv_i32)(by8[2 * block] + by8[2 * block + 1]); }

// The sum of 16 values below 2^15.
static sv_u32 sum16(const sv_u16 *p) {
  const __m128i one = _mm_set1_epi16(1), *v = (const __m128i *)p;
  __m128i s = _mm_add_epi32(_mm_madd_epi16(_mm_loadu_si128(v), one), _mm_madd_epi16(_mm_loadu_si128(v + 1), one));
  s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4e));
  s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0xb1));
  return (sv_u32)_mm_cvtsi128_si32(s);
}

// Judges the blocks of a strip by what its tiles left behind.
template <class S>
static void strip_blocks(Measuring<S> &k, const Strip &s) {
  const Columns c = k.columns;
  sv_measures *m = k.m;
  sv_i32 down = SV_BLOCK - (s.y == 0) - (s.y + SV_BLOCK == k.height);  // inner rows of a whole block
  sv_u32 edges = 0;
  bool left = false;  // the left side of block b stands out
  for (sv_i32 b = 0; b < k.blocks; b++) {
    sv_i32 x = b * SV_BLOCK, w = sv_min(SV_BLOCK, k.width - x), next = x + SV_BLOCK;
    if (k.has_previous) sv_block_changed(m, (sv_u32)pair_sum(c.sad, b), (sv_u32)(w * s.count));
    if (w == SV_BLOCK && s.count == SV_BLOCK) {
      sv_i32 across = SV_BLOCK - (b == 0) - (next == k.width);
      sv_block_noise(m, sum16(c.luma + x), sum16(c.noise + x), (sv_u32)(across * down));
    }
    bool right = next + 1 < k.width && 2 * c.steps[next] - c.steps[next - 1] - c.steps[next + 1] > 2 * SV_SIDE_EXCESS * s.count;
    bool top = s.y > 0 && s.y + 1 < k.height &&
               2 * pair_sum(c.top0, b) - pair_sum(k.bottom_above, b) - pair_sum(c.top1, b) > 2 * SV_SIDE_EXCESS * w;
    if (s.y > 0) edges += k.pending[b] | top;
    k.pending[b] = left | right | top;
    left = right;
  }
  m->edge_blocks += edges;
}

// Empties the 32-bit sums of a strip.
template <class S>
static void strip_totals(Measuring<S> &k) {
  Totals<S> &t = k.totals;
  k.m->sum_sq += sum_d<S>(t.sum_sq);
  k.m->gradient_sq1 += sum_d<S>(t.g1);
  k.m->gradient_sq4 += sum_d<S>(t.g4);
  k.m->gradient_sq_v1 += sum_d<S>(t.v1);
  k.m->gradient_sq_v4 += sum_d<S>(t.v4);
  k.m->laplacian += sum_d<S>(t.laplacian);
  t.sum_sq = t.g1 = t.g4 = t.v1 = t.v4 = t.laplacian = S::zero();
}

template <class S>
static void measure_luma(Measuring<S> &k) {
  for (sv_i32 y = 0; y < k.height; y += SV_BLOCK) {
    Strip s;
    s.y = y;
    s.height = k.height;
    s.count = sv_min(SV_BLOCK, k.height - y);
    rows_until<S>(k.luma, y + SV_BLOCK + STRIP_BELOW);
    if (k.has_previous) rows_until<S>(k.before, y + SV_BLOCK);
    for (sv_i32 i = 0; i < STRIP_ROWS; i++) s.rows[i] = row_at(k.luma, y - STRIP_ABOVE + i);
    for (sv_i32 i = 0; i < SV_BLOCK; i++) s.before[i] = k.has_previous ? row_at(k.before, y + i) : s.row(i);
    strip_tiles(k, s);
    strip_blocks(k, s);
    for (sv_i32 r = 0; r < s.count; r += SV_HISTOGRAM_ROWS) histogram_row<S>(k.histogram, s.row(r), k.width);
    strip_totals(k);
    grid_rows<S>(k.grid_y, k.luma, y, y + s.count, k.columns.luma);
    sv_u64 *above = k.bottom_above;
    k.bottom_above = k.columns.bottom;
    k.columns.bottom = above;
  }
}

template <class S>
static void measure_chroma(Measuring<S> &k, sv_i32 c, sv_u64 *sum, sv_u64 *sum_sq, sv_u32 *min, sv_u32 *max) {
  Rows &rows = k.chroma[c];
  Moments<S> m = {S::fill_b(255), S::zero(), 0};
  for (sv_i32 y = 0, end; y < rows.height; y = end) {
    end = grid_stretch(k.grid[c], y);
    rows_until<S>(rows, end);
    moments<S>(m, rows, y, end, k.columns.luma);
    grid_rows<S>(k.grid[c], rows, y, end, k.columns.luma);
  }
  *sum = k.grid[c].total;
  *sum_sq = m.sum_sq;
  extremes<S>(m.min, m.max, min, max);
}

template <class S>
static bool row_is_bar(const sv_u8 *row, sv_i32 width) {
  sv_u32 lo = 255, hi = 0;
  sv_i32 x = 0;
  if (width >= S::BYTES) {
    typename S::V l = S::fill_b(255), h = S::zero();
    for (; x + S::BYTES <= width; x += S::BYTES) { l = S::min_b(l, S::load(row + x)); h = S::max_b(h, S::load(row + x)); }
    extremes<S>(l, h, &lo, &hi);
  }
  for (; x < width; x++) { sv_lower(&lo, row[x]); sv_raise(&hi, row[x]); }
  return sv_is_bar((sv_i32)lo, (sv_i32)hi);
}

template <class S>
static void measure_borders(Measuring<S> &k) {
  sv_measures *m = k.m;
  const sv_u8 *lo = k.columns.lowest, *hi = k.columns.highest;
  sv_u32 half = (sv_u32)k.width / 2, last = (sv_u32)k.width - 1, bottom = (sv_u32)k.height - 1;
  while (m->border_left < half && sv_is_bar(lo[m->border_left], hi[m->border_left])) m->border_left++;
  while (m->border_right < half && sv_is_bar(lo[last - m->border_right], hi[last - m->border_right])) m->border_right++;
  half = (sv_u32)k.height / 2;
  while (m->border_top < half && row_is_bar<S>(row_afresh<S>(k.luma, (sv_i32)m->border_top), k.width)) m->border_top++;
  while (m->border_bottom < half && row_is_bar<S>(row_afresh<S>(k.luma, (sv_i32)(bottom - m->border_bottom)), k.width)) m->border_bottom++;
}

// Gathers what was summed over the whole picture.
template <class S>
static void measure_finish(Measuring<S> &k) {
  sv_measures *m = k.m;
  Totals<S> &t = k.totals;
  m->sum = k.grid_y.total;
  m->comb_pixels = (sv_u32)sum_q<S>(t.comb);
  m->comb_columns = (sv_u32)sum_q<S>(t.comb_columns);
  for (sv_i32 i = 0; i < SV_BLOCK; i++) m->edge_rows[i] = sum_q<S>(t.edge_rows[i]);
  extremes<S>(t.min, t.max, &m->min, &m->max);
  m->band_flat = t.bands[0];
  for (int i = 0; i < 4; i++) m->band_steps[i] = t.bands[i + 1];
  for (sv_i32 b = 0; b < k.blocks; b++) m->edge_blocks += k.pending[b];
  for (int i = 0; i < 2 * SV_BLOCK; i++) m->edge_columns[i % SV_BLOCK] += t.edge_columns[i];
  histogram_flush(k.histogram);
}

template <class S>
static void begin(Measuring<S> &k, sv_measures *m, const sv_picture &p, const sv_picture *previous, sv_u8 *scratch) {
  carve(k, scratch, p);
  k.m = m;
  k.width = p.width;
  k.height = p.height;
  k.blocks = sv_blocks_x(p);
  k.tiles = (p.width + S::BYTES - 1) / S::BYTES;
  k.has_previous = previous != 0;
  sv_i32 pitch = p.width + TILE_MAX;
  rows_begin(k.luma, p, 0, k.luma.ring, pitch);
  if (previous) rows_begin(k.before, *previous, 0, k.before.ring, pitch);
  grid_begin(k.grid_y, p.width, p.height, k.grid_y.sums, m->grid_y);
  for (int c = 0; c < 2 && p.chroma_width > 0; c++) {
    rows_begin(k.chroma[c], p, 1 + c, k.chroma[c].ring, pitch);
    grid_begin(k.grid[c], p.chroma_width, p.chroma_height, k.grid[c].sums, c ? m->grid_v : m->grid_u);
  }
  __builtin_memset((void *)&k.totals, 0, sizeof k.totals);
  k.totals.min = S::fill_b(255);
  __builtin_memset(k.columns.lowest, 255, (unsigned)pitch);
  __builtin_memset(k.columns.highest, 0, (unsigned)pitch);
  histogram_begin(k.histogram, m->histogram);
  edge_begin(k.edges[0], 0, p.width);
  edge_begin(k.edges[1], (k.tiles - 2) * S::BYTES, p.width);
  edge_begin(k.edges[2], (k.tiles - 1) * S::BYTES, p.width);
}

template <class S>
static void measure(sv_measures *m, const sv_picture &p, const sv_picture *previous, sv_u8 *scratch) {
  Measuring<S> k;
  begin(k, m, p, previous, scratch);
  sv_measures_begin(m, p, previous != 0);
  measure_luma(k);
  if (p.chroma_width > 0) {
    measure_chroma(k, 0, &m->u_sum, &m->u_sum_sq, &m->u_min, &m->u_max);
    measure_chroma(k, 1, &m->v_sum, &m->v_sum_sq, &m->v_min, &m->v_max);
  }
  measure_borders(k);
  measure_finish(k);
}

#endif
