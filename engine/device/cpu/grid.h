// Cell means of the coarse grid, and the moments of chroma, over rows of 8 bits.
#ifndef SV_GRID_H_
#define SV_GRID_H_
#include "rows.h"
#include "../kernels/measure.h"

// The sum of the 32-bit or 64-bit lanes of a vector.
template <class S>
static sv_u64 sum_d(typename S::V v) {
  sv_u32 lane[S::BYTES / 4];
  sv_u64 sum = 0;
  S::store(lane, v);
  for (int i = 0; i < S::BYTES / 4; i++) sum += lane[i];
  return sum;
}
template <class S>
static sv_u64 sum_q(typename S::V v) {
  sv_u64 lane[S::BYTES / 8], sum = 0;
  S::store(lane, v);
  for (int i = 0; i < S::BYTES / 8; i++) sum += lane[i];
  return sum;
}
template <class S>
static void extremes(typename S::V lo, typename S::V hi, sv_u32 *min, sv_u32 *max) {
  sv_u8 l[S::BYTES], h[S::BYTES];
  S::store(l, lo);
  S::store(h, hi);
  for (int i = 0; i < S::BYTES; i++) { sv_lower(min, l[i]); sv_raise(max, h[i]); }
}

struct Grid {
  sv_u32 *sums;  // by column, of the rows of cell row `row` so far: <= 911 * 255
  sv_u8 *cells;
  sv_i32 width, height, row;
  sv_u64 total;  // of all samples
};

static void grid_begin(Grid &g, sv_i32 width, sv_i32 height, sv_u32 *sums, sv_u8 *cells) {
  Grid fresh = {sums, cells, width, height, 0, 0};
  g = fresh;
  for (sv_i32 x = 0; x < width; x++) sums[x] = 0;
}

// Adds rows [y, end), at most 16, of one cell row.
template <class S>
static void grid_add(Grid &g, const Rows &rows, sv_i32 y, sv_i32 end) {
  const sv_u8 *row[SV_BLOCK];
  for (sv_i32 r = y; r < end; r++) row[r - y] = row_at(rows, r);
  sv_i32 x = 0;
  for (; x + S::WORDS <= g.width; x += S::WORDS) {
    typename S::V sum = S::zero();
    for (sv_i32 r = 0; r < end - y; r++) sum = S::add_w(sum, S::widen(row[r] + x));
    S::add_wide(g.sums + x, sum);
  }
  for (; x < g.width; x++)
    for (sv_i32 r = 0; r < end - y; r++) g.sums[x] += row[r][x];
}

// Ends the cell row of n rows: writes its means, and those of the rows of cells that share it.
static void grid_flush(Grid &g, sv_i32 n) {
  sv_u8 *cells = g.cells + g.row * SV_GRID_W;
  for (sv_i32 i = 0; i < SV_GRID_W; i++) {
    sv_i32 a, b;
    sv_cell(i, SV_GRID_W, g.width, a, b);
    sv_u32 sum = 0, count = (sv_u32)((b - a) * n);
    for (sv_i32 x = a; x < b; x++) sum += g.sums[x];
    cells[i] = (sv_u8)((sum + count / 2) / count);
  }
  for (sv_i32 x = 0; x < g.width; x++) { g.total += g.sums[x]; g.sums[x] = 0; }
  sv_i32 start = g.row * g.height / SV_GRID_H;
  while (++g.row < SV_GRID_H && g.row * g.height / SV_GRID_H == start)
    for (sv_i32 i = 0; i < SV_GRID_W; i++) g.cells[g.row * SV_GRID_W + i] = cells[i];
}

// Takes rows [y, end), at most 16, whose sums by column are known already. Rows
// come in order and without gaps.
template <class S>
static void grid_rows(Grid &g, const Rows &rows, sv_i32 y, sv_i32 end, const sv_u16 *columns) {
  for (sv_i32 start = y; y < end;) {
    sv_i32 a, b;
    sv_cell(g.row, SV_GRID_H, g.height, a, b);
    sv_i32 until = sv_min(b, end);
    if (y == start && until == end) {
      for (sv_i32 x = 0; x < g.width; x += S::WORDS) S::add_wide(g.sums + x, S::load(columns + x));
    } else {
      grid_add<S>(g, rows, y, until);
    }
    if (until == b) grid_flush(g, b - a);
    y = until;
  }
}

// The end of the stretch of rows from y on that lies in one cell row, at most 16 long.
static sv_i32 grid_stretch(const Grid &g, sv_i32 y) {
  sv_i32 a, b;
  sv_cell(g.row, SV_GRID_H, g.height, a, b);
  return sv_min(y + SV_BLOCK, b);
}

template <class S>
struct Moments {
  typename S::V min, max;
  sv_u64 sum_sq;
};

// Adds the squares and extremes of rows [y, end), at most 16, and leaves their
// sums by column: a 32-bit lane gains at most 16 * 2 * 65025 a tile, and there are
// at most 16384/8 tiles.
template <class S>
static void moments(Moments<S> &m, const Rows &rows, sv_i32 y, sv_i32 end, sv_u16 *columns) {
  typedef typename S::V V;
  const sv_u8 *row[SV_BLOCK];
  sv_i32 n = end - y, x = 0;
  for (sv_i32 r = 0; r < n; r++) row[r] = row_at(rows, y + r);
  V squares = S::zero(), lo = m.min, hi = m.max;
  for (; x + S::BYTES <= rows.width; x += S::BYTES) {
    V left = S::zero(), right = S::zero();
    for (sv_i32 r = 0; r < n; r++) {
      V v = S::load(row[r] + x), a = S::widen(row[r] + x), b = S::widen(row[r] + x + S::WORDS);
      lo = S::min_b(lo, v);
      hi = S::max_b(hi, v);
      left = S::add_w(left, a);
      right = S::add_w(right, b);
      squares = S::add_square(S::add_square(squares, a), b);
    }
    S::store(columns + x, left);
    S::store(columns + x + S::WORDS, right);
  }
  for (; x < rows.width; x++) {
    columns[x] = 0;
    for (sv_i32 r = 0; r < n; r++) {
      sv_u32 v = row[r][x];
      columns[x] = (sv_u16)(columns[x] + v);
      m.sum_sq += v * v;
      lo = S::min_b(lo, S::fill_b((int)v));
      hi = S::max_b(hi, S::fill_b((int)v));
    }
  }
  m.sum_sq += sum_d<S>(squares);
  m.min = lo;
  m.max = hi;
}

#endif
