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

// What a lane's sums are called in sv_tile.sums. The first five are in the order of
// sv_measures; combs are those of rows in the lower half, of columns in the upper.
enum { SV_LAPLACIAN, SV_GRADIENT_1, SV_GRADIENT_4, SV_GRADIENT_V1, SV_GRADIENT_V4, SV_COMBS, SV_SUMS };

// Everything that the threads of a tile share: 17 KB. The sums are of one tile, so
// 32 bits hold them: 2^13 samples of at most 65025.
struct sv_tile {
  alignas(16) sv_u32 rows[SV_TILE_ROWS][SV_ROW];
  alignas(16) sv_u8 steps[SV_STRIPS][SV_BLOCK][SV_LANES];  // from the row above, of four columns: <= 4 * 32
  sv_u32 luma[SV_STRIPS][SV_TILE_BLOCKS], noise[SV_STRIPS][SV_TILE_BLOCKS];  // of blocks
  sv_u8 stands_out[SV_STRIPS][SV_TILE_BLOCKS];
  // From here on zero at first.
  sv_u32 sad[SV_STRIPS][SV_TILE_BLOCKS];
  sv_u32 sums[SV_SUMS][SV_LANES];  // by lane, of all strips: no two lanes wait for each other
  sv_u32 histogram[SV_BINS], noise_histogram[SV_NOISE_BINS], edge_rows[SV_BLOCK], edge_columns[SV_BLOCK], bands[5];
};

SV_GPU void sv_tile_clear(sv_tile *t) {
  for (sv_u32 *p = t->sad[0] + sv_thread_x(); p < t->bands + 5; p += SV_TILE_THREADS) *p = 0;
}

// Loads the tile at (x0, y0). Rows above and below the picture repeat the nearest
// one, so that steps across its edge are none; columns beside it are 0. Only as
// many rows are loaded as the picture has, and one below it. A thread stays with
// its columns.
SV_GPU void sv_tile_load(sv_tile *t, const sv_rows &luma, sv_i32 x0, sv_i32 y0) {
  const sv_i32 loads = SV_ROW / 4, at_once = SV_TILE_THREADS / loads;
  sv_i32 part = sv_thread_x() % loads, first = sv_thread_x() / loads;
  sv_i32 rows = first < at_once ? sv_min(SV_TILE_ROWS, luma.height - y0 + SV_ABOVE + 1) : 0;
  sv_i32 x = x0 - SV_SIDE + 16 * part;
  sv_by_kind(luma, x, [&](auto kind) {
    for (sv_i32 row = first; row < rows; row += at_once) {
      sv_i32 y = sv_min(sv_max(y0 - SV_ABOVE + row, 0), luma.height - 1);
      *(sv_sixteen *)&t->rows[row][4 * part] = sv_load(kind, luma, x, y);
    }
  });
}

// The sums of absolute differences to the luma before, by block. Eight threads
// read a row, all together a strip.
SV_GPU void sv_tile_sad(sv_tile *t, const sv_rows &before, sv_i32 x0, sv_i32 y0) {
  sv_i32 block = sv_thread_x() % SV_TILE_BLOCKS, row = sv_thread_x() / SV_TILE_BLOCKS;
  sv_i32 strips = sv_min(SV_STRIPS, (before.height - y0 - row + SV_BLOCK - 1) / SV_BLOCK);
  sv_i32 x = x0 + SV_BLOCK * block;
  sv_by_kind(before, x, [&](auto kind) {
    for (sv_i32 strip = 0; strip < strips; strip++, row += SV_BLOCK) {
      sv_sixteen a = *(const sv_sixteen *)&t->rows[SV_ABOVE + row][4 * (block + 1)], b = sv_load(kind, before, x, y0 + row);
      sv_u32 sad = sv_dot(sv_apart(a.x, b.x), SV_ONES, sv_dot(sv_apart(a.y, b.y), SV_ONES, 0));
      sv_gather(&t->sad[strip][block], sv_dot(sv_apart(a.z, b.z), SV_ONES, sv_dot(sv_apart(a.w, b.w), SV_ONES, sad)));
    }
  });
}

#endif
