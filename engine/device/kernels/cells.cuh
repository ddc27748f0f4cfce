// The cells of the coarse grid: their means, and with them the moments of whole
// planes, since the cells cover each sample once. A few lanes take a cell.
#ifndef SV_CELLS_CUH
#define SV_CELLS_CUH
#include "load.cuh"
#include "measure.h"

// Moments of what a lane has seen, at most 2^16 samples; of interleaved chroma those
// of both planes, U in the even bytes.
struct sv_moments {
  sv_u32 sum[2], sum_sq[2];
  sv_four least, most;
};

template <bool PAIRS>
SV_GPU void sv_moments_add(sv_moments &m, sv_four v, sv_u32 mask) {
  v &= mask;
  m.least = sv_least(m.least, v | ~mask);
  m.most = sv_most(m.most, v);
  sv_four first = PAIRS ? v & 0x00ff00ffu : v, second = v & 0xff00ff00u;
  m.sum[0] = sv_dot(first, SV_ONES, m.sum[0]);
  m.sum_sq[0] = sv_dot(first, first, m.sum_sq[0]);
  if (!PAIRS) return;
  m.sum[1] = sv_dot(second, SV_ONES, m.sum[1]);
  m.sum_sq[1] = sv_dot(second, second, m.sum_sq[1]);
}

// Adds the samples of columns [x0, x1) and rows [y0, y1), shared out over lanes.
template <bool PAIRS>
SV_GPU void sv_moments_of(sv_moments &m, const sv_rows &plane, sv_i32 x0, sv_i32 x1, sv_i32 y0, sv_i32 y1, sv_i32 lane, sv_i32 lanes) {
  sv_i32 first = x0 / 16, loads = (x1 + 15) / 16 - first;  // a row
  sv_i32 across = sv_min(loads, lanes), down = lanes / across;  // lanes along a row, and rows at once
  if (lane >= across * down) return;
  for (sv_i32 i = lane % across; i < loads; i += across) {
    sv_i32 x = 16 * (first + i);
    sv_sixteen mask = {sv_within(x, x0, x1), sv_within(x + 4, x0, x1), sv_within(x + 8, x0, x1), sv_within(x + 12, x0, x1)};
    sv_by_kind(plane, x, [&](auto kind) {
      for (sv_i32 y = y0 + lane / across; y < y1; y += down) {
        sv_sixteen v = sv_load(kind, plane, x, y);
        sv_moments_add<PAIRS>(m, v.x, mask.x);
        sv_moments_add<PAIRS>(m, v.y, mask.y);
        sv_moments_add<PAIRS>(m, v.z, mask.z);
        sv_moments_add<PAIRS>(m, v.w, mask.w);
      }
    });
  }
}

// Where the moments and the grid of a plane go.
struct sv_plane_measures {
  sv_u64 *sum, *sum_sq;
  sv_u32 *min, *max;
  sv_u8 *grid;
};
SV_GPU sv_plane_measures sv_measures_of(sv_measures *m, sv_i32 plane) {
  sv_plane_measures y = {&m->sum, &m->sum_sq, &m->min, &m->max, m->grid_y};
  sv_plane_measures u = {&m->u_sum, &m->u_sum_sq, &m->u_min, &m->u_max, m->grid_u};
  sv_plane_measures v = {&m->v_sum, &m->v_sum_sq, &m->v_min, &m->v_max, m->grid_v};
  return plane == 0 ? y : plane == 1 ? u : v;
}

// Gathers what the lanes of a cell of n samples have seen of plane `which` of the
// rows. A cell counts for the plane unless it repeats samples of its neighbour.
SV_GPU void sv_cell_finish(const sv_plane_measures &to, const sv_moments &m, sv_i32 which, sv_i32 cell, sv_u32 n, bool counts, sv_i32 lane, sv_i32 lanes) {
  sv_u32 sum = m.sum[which], low = m.sum_sq[which] & 0xffff, high = m.sum_sq[which] >> 16;  // the squares of all pass 32 bits
  for (sv_i32 bit = 1; bit < lanes; bit *= 2) {
    sum += sv_across(sum, bit);
    low += sv_across(low, bit);
    high += sv_across(high, bit);
  }
  if (lane != 0) return;
  to.grid[cell] = (sv_u8)((sum + n / 2) / n);
  if (!counts) return;
  sv_add(to.sum, (sv_u64)sum);
  sv_add(to.sum_sq, ((sv_u64)high << 16) + low);
}

// Cell (i, j) of a plane, or of both planes of interleaved chroma.
template <bool PAIRS>
SV_GPU void sv_cell_measure(sv_measures *out, const sv_rows &rows, sv_i32 plane, sv_i32 i, sv_i32 j, sv_i32 lane, sv_i32 lanes) {
  const sv_i32 step = PAIRS ? 2 : 1;
  sv_i32 x0, x1, y0, y1, width = rows.width / step;
  sv_cell(i, SV_GRID_W, width, x0, x1);
  sv_cell(j, SV_GRID_H, rows.height, y0, y1);
  sv_u32 n = (sv_u32)((x1 - x0) * (y1 - y0));
  bool counts = (i + 1) * width / SV_GRID_W > x0 && (j + 1) * rows.height / SV_GRID_H > y0;
  sv_moments m = {{0, 0}, {0, 0}, SV_ALL, 0};
  sv_moments_of<PAIRS>(m, rows, step * x0, step * x1, y0, y1, lane, lanes);
  sv_plane_measures first = sv_measures_of(out, plane), second = sv_measures_of(out, 2);
  sv_cell_finish(first, m, 0, j * SV_GRID_W + i, n, counts, lane, lanes);
  if (PAIRS) sv_cell_finish(second, m, 1, j * SV_GRID_W + i, n, counts, lane, lanes);

  for (sv_i32 bit = 1; bit < lanes; bit *= 2) {
    m.least = sv_least(m.least, sv_across(m.least, bit));
    m.most = sv_most(m.most, sv_across(m.most, bit));
  }
  if (lane != 0) return;
  m.least = sv_least(m.least, m.least >> 16 | 0xffff0000u);
  m.most = sv_most(m.most, m.most >> 16);
  sv_u32 least[2] = {m.least & 255, m.least >> 8 & 255}, most[2] = {m.most & 255, m.most >> 8 & 255};
  sv_lower(first.min, PAIRS ? least[0] : (sv_u32)sv_min((sv_i32)least[0], (sv_i32)least[1]));
  sv_raise(first.max, PAIRS ? most[0] : (sv_u32)sv_max((sv_i32)most[0], (sv_i32)most[1]));
  if (!PAIRS) return;
  sv_lower(second.min, least[1]);
  sv_raise(second.max, most[1]);
}

#endif
