// A tile of luma with its surroundings in shared memory, and what its strips add up.
//
// A tile is 128 columns by 4 strips of 16 rows; a strip is the work of a warp, a
// lane has four columns of it, and four lanes share a block of 16x16.
#ifndef SV_TILE_CUH
#define SV_TILE_CUH
#include "load.cuh"
#include "measure.h"

enum {
  SV_LANES = 32, SV_STRIPS = 4, SV_TILE_THREADS = SV_LANES * SV_STRIPS,
  SV_TILE_W = SV_LANES * 4, SV_TILE_H = SV_STRIPS * SV_BLOCK, SV_TILE_BLOCKS = SV_TILE_W / SV_BLOCK,
  SV_ABOVE = 8, SV_BELOW = 6,  // rows around a tile: bands look 8 up, and from the last row in four 9 down
  SV_TILE_ROWS = SV_ABOVE + SV_TILE_H + SV_BELOW,
  SV_SIDE = 16,                // columns around a tile, a whole load
  SV_ROW = (SV_SIDE + SV_TILE_W + SV_SIDE) / 4,  // words a row
};

// Everything that the threads of a tile share: 18 KB. The sums are of one tile, so
// 32 bits hold them: 2^13 samples of at most 65025.
struct sv_tile {
  sv_u32 rows[SV_TILE_ROWS][SV_ROW];
  sv_u8 steps[SV_STRIPS][SV_BLOCK][SV_LANES];  // from the row above, of four columns: <= 4 * 32
  sv_u32 sad[SV_STRIPS][SV_TILE_BLOCKS];
  // From here on zero at first.
  sv_u32 histogram[SV_BINS], noise_histogram[SV_NOISE_BINS];
  sv_u32 edge_rows[SV_BLOCK], edge_columns[SV_BLOCK];
  sv_u32 laplacian, gradient_sq1, gradient_sq4, gradient_sq_v1, gradient_sq_v4;
  sv_u32 comb_pixels, comb_columns, noise_blocks, edge_blocks, bands[5];
  sv_u32 sad_total, blocks_changed[4], block_diff_max;
};

// Loads the tile at (x0, y0). Rows above and below the picture repeat the nearest
// one, so that steps across its edge are none; columns beside it are 0. Only as
// many rows are loaded as the picture has, and one below it.
SV_GPU void sv_tile_load(sv_tile *t, const sv_rows &luma, sv_i32 x0, sv_i32 y0) {
  const sv_i32 loads = SV_ROW / 4;
  sv_i32 rows = sv_min(SV_TILE_ROWS, luma.height - y0 + SV_ABOVE + 1);
  for (sv_i32 i = sv_thread_x(); i < rows * loads; i += SV_TILE_THREADS) {
    sv_i32 row = i / loads, part = i % loads;
    sv_i32 y = sv_min(sv_max(y0 - SV_ABOVE + row, 0), luma.height - 1);
    *(sv_sixteen *)&t->rows[row][4 * part] = sv_load(luma, x0 - SV_SIDE + 16 * part, y);
  }
}

SV_GPU void sv_tile_clear(sv_tile *t) {
  for (sv_u32 *p = t->histogram + sv_thread_x(); p <= &t->block_diff_max; p += SV_TILE_THREADS) *p = 0;
  if (sv_thread_x() < SV_STRIPS * SV_TILE_BLOCKS) t->sad[0][sv_thread_x()] = 0;
}

// The sums of absolute differences to the luma before, by block. Eight threads
// read a row; the sixteen rows of a strip take turns over all threads.
SV_GPU void sv_tile_sad(sv_tile *t, const sv_rows &before, sv_i32 x0, sv_i32 y0) {
  sv_i32 block = sv_thread_x() % SV_TILE_BLOCKS, row = sv_thread_x() / SV_TILE_BLOCKS;
  for (sv_i32 strip = 0; strip < SV_STRIPS; strip++) {
    sv_i32 r = SV_BLOCK * strip + row;
    sv_u32 sad = 0;
    if (y0 + r < before.height) {
      sv_sixteen a = *(const sv_sixteen *)&t->rows[SV_ABOVE + r][4 * (block + 1)], b = sv_load(before, x0 + SV_BLOCK * block, y0 + r);
      sad = sv_dot(sv_apart(a.x, b.x), SV_ONES, sad);
      sad = sv_dot(sv_apart(a.y, b.y), SV_ONES, sad);
      sad = sv_dot(sv_apart(a.z, b.z), SV_ONES, sad);
      sad = sv_dot(sv_apart(a.w, b.w), SV_ONES, sad);
    }
    sad = sv_sum(sad, SV_TILE_BLOCKS, SV_LANES);
    if (sv_thread_x() % SV_LANES < SV_TILE_BLOCKS) sv_gather(&t->sad[strip][block], sad);
  }
}

// Adds the sums of the tile to the picture's.
SV_GPU void sv_tile_flush(const sv_tile *t, sv_measures *m, bool has_previous) {
  sv_i32 i = sv_thread_x();
  if (i < SV_BINS && t->histogram[i]) sv_add(&m->histogram[i], t->histogram[i]);
  if (i < SV_NOISE_BINS && t->noise_histogram[i]) sv_add(&m->noise_histogram[i], t->noise_histogram[i]);
  if (i < SV_BLOCK) sv_add(&m->edge_rows[i], (sv_u64)t->edge_rows[i]);
  if (i < SV_BLOCK) sv_add(&m->edge_columns[i], (sv_u64)t->edge_columns[i]);
  if (i == 0) {
    sv_add(&m->laplacian, (sv_u64)t->laplacian);
    sv_add(&m->gradient_sq1, (sv_u64)t->gradient_sq1);
    sv_add(&m->gradient_sq4, (sv_u64)t->gradient_sq4);
    sv_add(&m->gradient_sq_v1, (sv_u64)t->gradient_sq_v1);
    sv_add(&m->gradient_sq_v4, (sv_u64)t->gradient_sq_v4);
  } else if (i == SV_LANES) {
    sv_add(&m->comb_pixels, t->comb_pixels);
    sv_add(&m->comb_columns, t->comb_columns);
    sv_add(&m->noise_blocks, t->noise_blocks);
    sv_add(&m->edge_blocks, t->edge_blocks);
    sv_add(&m->band_flat, t->bands[0]);
    for (sv_i32 k = 0; k < 4; k++) sv_add(&m->band_steps[k], t->bands[k + 1]);
  } else if (i == 2 * SV_LANES && has_previous) {
    sv_add(&m->sad, (sv_u64)t->sad_total);
    for (sv_i32 k = 0; k < 4; k++) sv_add(&m->blocks_changed[k], t->blocks_changed[k]);
    sv_raise(&m->block_diff_max, t->block_diff_max);
  }
}

#endif
