// The blocks of a tile, once its strips were walked, and what the tile adds to the
// measures of the picture.
#ifndef SV_BLOCKS_CUH
#define SV_BLOCKS_CUH
#include "strip.cuh"

// The steps over the upper side of a row of a lane's columns.
SV_GPU sv_i32 sv_row_steps(const sv_u32 *word) {
  return (sv_i32)sv_dot(sv_at_most(sv_apart(word[0], word[-SV_ROW]), SV_STEP_MAX), SV_ONES, 0);
}
// Twice those less the steps of the rows above and below: see sv_top_side.
SV_GPU sv_i32 sv_top_excess(const sv_u32 *word) {
  return 2 * sv_row_steps(word) - sv_row_steps(word - SV_ROW) - sv_row_steps(word + SV_ROW);
}

// Over the rows of the strip: in lane 0 the steps into the column before the tile,
// in the upper lanes the excess of the left side of the block after it.
SV_GPU sv_i32 sv_beside(const sv_lane &k) {
  sv_i32 lane = sv_thread_x() % SV_LANES, r = lane % SV_BLOCK, sum = 0;
  const sv_u32 *row = k.word - lane + r * SV_ROW;
  if (r < k.count) {
    if (lane < SV_BLOCK) {
      sum = sv_min(sv_abs((sv_i32)(row[-1] >> 24) - (sv_i32)(row[-1] >> 16 & 255)), SV_STEP_MAX);
    } else {
      sv_u32 before = row[SV_LANES - 1] >> 16, after = row[SV_LANES];  // samples 126 and 127, 128 and on
      sv_four d = sv_at_most(sv_apart(before | after << 16, (before >> 8) | after << 8), SV_STEP_MAX);
      sum = sv_weigh(d, SV_WEIGHTS(-1, 2, -1), 0);
    }
  }
  return (sv_i32)sv_sum((sv_u32)sum, 1, SV_BLOCK);
}

// Whether the left side of the lane's block stands out: see sv_left_side.
SV_GPU bool sv_left_stands_out(const sv_lane &k, const sv_lane_sums &s, sv_i32 beside) {
  sv_i32 lane = sv_thread_x() % SV_LANES;
  sv_i32 before = (sv_i32)(sv_from(s.odd, lane - 1) >> 16);
  if (lane == 0) before = beside;
  sv_i32 excess = 2 * (sv_i32)(s.even & 0xffff) - before - (sv_i32)(s.odd & 0xffff);
  return k.x > 0 && k.x + 1 < k.width && excess > 2 * SV_SIDE_EXCESS * k.count;
}

// Adds what the strip says of edges by their place in the 16-grid.
SV_GPU void sv_strip_edges(sv_tile *t, const sv_lane_sums &s, sv_i32 count) {
  sv_i32 lane = sv_thread_x() % SV_LANES;
  sv_u32 even = sv_sum(s.even, 4, SV_LANES), odd = sv_sum(s.odd, 4, SV_LANES);  // <= 8 * 16 * 32
  if (lane < 4) {
    sv_gather(&t->edge_columns[4 * lane], even & 0xffff);
    sv_gather(&t->edge_columns[4 * lane + 1], odd & 0xffff);
    sv_gather(&t->edge_columns[4 * lane + 2], even >> 16);
    sv_gather(&t->edge_columns[4 * lane + 3], odd >> 16);
  }
  // Two lanes add up a row that all lanes wrote.
  sv_sixteen half = ((const sv_sixteen *)t->steps[sv_thread_x() / SV_LANES])[lane];
  sv_u32 sum = sv_dot(half.x, SV_ONES, sv_dot(half.y, SV_ONES, sv_dot(half.z, SV_ONES, sv_dot(half.w, SV_ONES, 0))));
  if (lane / 2 < count) sv_gather(&t->edge_rows[lane / 2], sum);
}

// Leaves behind what the strip says of its blocks; every lane takes part, the first
// of a block's four writes.
SV_GPU void sv_strip_blocks(sv_tile *t, const sv_lane &k, const sv_lane_sums &s) {
  sv_i32 lane = sv_thread_x() % SV_LANES, strip = sv_thread_x() / SV_LANES;
  sv_i32 beside = sv_beside(k);
  bool left = sv_left_stands_out(k, s, beside);
  bool right = sv_from(left, lane + 4) != 0;  // of the next block
  if (lane == SV_LANES - 4) right = k.x + SV_BLOCK + 1 < k.width && beside > 2 * SV_SIDE_EXCESS * k.count;
  sv_i32 top = 0, bottom = 0;
  if (k.y > 0 && k.y + 1 < k.height) top = sv_top_excess(k.word);
  if (k.y + SV_BLOCK + 1 < k.height) bottom = sv_top_excess(k.word + SV_BLOCK * SV_ROW);
  top = (sv_i32)sv_sum((sv_u32)top, 1, 4);
  bottom = (sv_i32)sv_sum((sv_u32)bottom, 1, 4);
  sv_u32 luma = sv_sum(s.luma, 1, 4), noise = sv_sum(s.noise, 1, 4);
  if (lane % 4 != 0) return;
  sv_i32 enough = 2 * SV_SIDE_EXCESS * sv_min(SV_BLOCK, k.width - k.x);
  t->luma[strip][lane / 4] = luma;
  t->noise[strip][lane / 4] = noise;
  t->stands_out[strip][lane / 4] = left || right || top > enough || bottom > enough;
}

// Adds the sums of the strip to the tile's.
SV_GPU void sv_strip_sums(sv_tile *t, const sv_lane_sums &s) {
  sv_i32 lane = sv_thread_x() % SV_LANES;
  sv_gather(&t->sums[SV_LAPLACIAN][lane], s.laplacian);
  sv_gather(&t->sums[SV_GRADIENT_1][lane], s.g1);
  sv_gather(&t->sums[SV_GRADIENT_4][lane], s.g4);
  sv_gather(&t->sums[SV_GRADIENT_V1][lane], s.v1);
  sv_gather(&t->sums[SV_GRADIENT_V4][lane], s.v4);
  sv_gather(&t->sums[SV_COMBS][lane], s.comb >> 7 | s.comb_columns >> 7 << 16);
  if (!sv_any(s.bands != 0)) return;
  for (sv_i32 i = 0; i < 5; i++) {
    sv_u32 n = sv_sum(s.bands >> (6 * i) & 63, 1, SV_LANES);
    if (lane == 0) sv_gather(&t->bands[i], n);
  }
}

template <bool AT_SIDE>
SV_GPU void sv_strip(sv_tile *t, sv_i32 x0, sv_i32 y0, sv_i32 width, sv_i32 height) {
  sv_lane k = sv_lane_of(t, x0, y0, width, height, AT_SIDE);
  if (k.count <= 0) return;
  sv_lane_sums s = {};
  sv_walk(t, k, s);
  __nvvm_bar_warp_sync(SV_ALL);  // the steps of all lanes are written
  sv_strip_edges(t, s, k.count);
  sv_strip_blocks(t, k, s);
  sv_strip_sums(t, s);
}

// Judges the blocks of the tile at (x0, y0), one a lane of a warp.
SV_GPU void sv_judge_blocks(sv_tile *t, sv_measures *m, sv_i32 x0, sv_i32 y0, sv_i32 width, sv_i32 height, bool has_previous) {
  sv_i32 lane = sv_thread_x(), x = x0 + SV_BLOCK * (lane % SV_TILE_BLOCKS), y = y0 + SV_BLOCK * (lane / SV_TILE_BLOCKS);
  sv_i32 across = sv_min(SV_BLOCK, width - x), down = sv_min(SV_BLOCK, height - y);
  bool here = across > 0 && down > 0;
  sv_u32 luma = t->luma[0][lane], noise = t->noise[0][lane], sad = here ? t->sad[0][lane] : 0, n = here ? (sv_u32)(across * down) : 1;
  bool edge = here && t->stands_out[0][lane];
  bool noisy = across == SV_BLOCK && down == SV_BLOCK && luma >= SV_NOISE_LOW * 256 && luma <= SV_NOISE_HIGH * 256;
  if (noisy) {
    sv_i32 inner = (SV_BLOCK - (x == 0) - (x + SV_BLOCK == width)) * (SV_BLOCK - (y == 0) - (y + SV_BLOCK == height));
    sv_gather(&t->noise_histogram[sv_min((sv_i32)(noise / (sv_u32)(SV_NOISE_STEP * inner)), SV_NOISE_BINS - 1)], 1);
  }
  __nvvm_bar_warp_sync(SV_ALL);
  for (sv_i32 i = lane; i < SV_NOISE_BINS; i += SV_LANES)
    if (t->noise_histogram[i]) sv_add(&m->noise_histogram[i], t->noise_histogram[i]);
  sv_u32 edges = sv_count(edge), noises = sv_count(noisy), total = sv_sum(sad, 1, SV_LANES);
  sv_u32 changed[4] = {sv_count(sad > 0), sv_count(2 * sad > n), sv_count(sad > 2 * n), sv_count(sad > 8 * n)};
  sv_u32 most = sad * 256 / n;
  SV_UNROLL for (sv_i32 bit = 1; bit < SV_LANES; bit *= 2) most = (sv_u32)sv_max((sv_i32)most, (sv_i32)sv_across(most, bit));
  if (lane != 0) return;
  sv_add(&m->edge_blocks, edges);
  sv_add(&m->noise_blocks, noises);
  if (!has_previous) return;
  sv_add(&m->sad, (sv_u64)total);
  SV_UNROLL for (sv_i32 i = 0; i < 4; i++) sv_add(&m->blocks_changed[i], changed[i]);
  sv_raise(&m->block_diff_max, most);
}

// Adds the sums of the tile to the picture's.
SV_GPU void sv_tile_flush(const sv_tile *t, sv_measures *m) {
  sv_i32 i = sv_thread_x(), lane = i % SV_LANES;
  for (sv_i32 k = i / SV_LANES; k < SV_SUMS; k += SV_STRIPS) {
    sv_u32 sum = sv_sum(t->sums[k][lane], 1, SV_LANES);
    if (lane != 0) continue;
    if (k < SV_COMBS) {
      sv_add(&m->laplacian + k, (sv_u64)sum);
    } else {
      sv_add(&m->comb_pixels, sum & 0xffff);
      sv_add(&m->comb_columns, sum >> 16);
    }
  }
  if (i < SV_BINS && t->histogram[i]) sv_add(&m->histogram[i], t->histogram[i]);
  if (i < SV_BLOCK) sv_add(&m->edge_rows[i], (sv_u64)t->edge_rows[i]);
  if (i < SV_BLOCK) sv_add(&m->edge_columns[i], (sv_u64)t->edge_columns[i]);
  if (i == 0 && t->bands[0]) sv_add(&m->band_flat, t->bands[0]);
  if (i > 0 && i < 5 && t->bands[i]) sv_add(&m->band_steps[i - 1], t->bands[i]);
}

// The measures of the tile at (x0, y0), but for those that sv_measure_cells and
// sv_measure_bars take. before.base is null without a picture before.
SV_GPU void sv_tile_measure(sv_tile *t, sv_measures *m, const sv_rows &luma, const sv_rows &before, sv_i32 x0, sv_i32 y0) {
  bool has_previous = before.base != 0;
  sv_tile_clear(t);
  sv_tile_load(t, luma, x0, y0);
  __syncthreads();
  if (has_previous) sv_tile_sad(t, before, x0, y0);
  // A tile that has what its measures look at on both sides needs no masks.
  if (x0 > 0 && x0 + SV_TILE_W + 9 <= luma.width) sv_strip<false>(t, x0, y0, luma.width, luma.height);
  else sv_strip<true>(t, x0, y0, luma.width, luma.height);
  __syncthreads();
  if (sv_thread_x() < SV_LANES) sv_judge_blocks(t, m, x0, y0, luma.width, luma.height, has_previous);
  sv_tile_flush(t, m);
}

#endif
