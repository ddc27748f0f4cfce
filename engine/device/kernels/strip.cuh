// A strip of 16 rows of a tile: a warp walks it downwards, each lane along its four
// columns, so that what a row shares with the next one stays in registers.
//
// Samples are four to a word. Differences are |a - b| of four samples at once
// (sv_apart); sums and sums of squares are dot products (sv_dot).
#ifndef SV_STRIP_CUH
#define SV_STRIP_CUH
#include "tile.cuh"

// Where a lane works, and which of its columns have the neighbours that a measure
// needs. Inside the picture all have, and the compiler drops the masks.
struct sv_lane {
  const sv_u32 *word;        // of the strip's first row
  sv_i32 x, y, count;        // first column, first row, rows: 1..16
  sv_i32 width, height;      // of the picture
  sv_u32 valid, left1, left4, inner, band;  // bytes: x, x-1, x-4, x +- 1, x-8..x+9 exist
};

SV_GPU sv_lane sv_lane_of(const sv_tile *t, sv_i32 x0, sv_i32 y0, sv_i32 width, sv_i32 height, bool at_side) {
  sv_i32 lane = sv_thread_x() % SV_LANES, strip = sv_thread_x() / SV_LANES;
  sv_lane k;
  k.word = &t->rows[SV_ABOVE + SV_BLOCK * strip][SV_SIDE / 4 + lane];
  k.x = x0 + 4 * lane;
  k.y = y0 + SV_BLOCK * strip;
  k.count = sv_min(SV_BLOCK, height - k.y);
  k.width = width;
  k.height = height;
  k.valid = k.left1 = k.left4 = k.inner = k.band = SV_ALL;
  if (at_side) {
    k.valid = sv_within(k.x, 0, width);
    k.left1 = sv_within(k.x, 1, width);
    k.left4 = sv_within(k.x, 4, width);
    k.inner = sv_within(k.x, 1, width - 1);
    k.band = sv_within(k.x, 8, width - 9);
  }
  return k;
}

// What a lane adds up over the rows of a strip.
struct sv_lane_sums {
  sv_u32 luma, laplacian, noise, g1, g4, v1, v4;
  sv_u32 comb, comb_columns;  // in units of 128
  sv_u32 odd, even;           // steps from the left by column, two to a word: of columns 1 and 3, 0 and 2
  sv_u32 bands;               // flat positions by their step of 0..4, in fields of 6 bits: <= 2 * 16
};

// Four samples and the same four one column to either side.
struct sv_window { sv_four left, here, right; };
SV_GPU sv_window sv_look(const sv_u32 *word) {
  sv_window w = {sv_pick(word[-1], word[0], 0x6543), word[0], sv_pick(word[0], word[1], 0x4321)};
  return w;
}

// The weights of three neighbours around a sample, the sample first to third of a word.
#define SV_WEIGHTS(a, b, c) ((sv_u32)((a) & 255) | (sv_u32)((b) & 255) << 8 | (sv_u32)((c) & 255) << 16)

// sum plus the weighted neighbours of sample i in its row.
template <int I>
SV_GPU sv_i32 sv_neighbours(const sv_window &w, sv_u32 weights, sv_i32 sum) {
  return sv_weigh(I == 0 ? w.left : I == 3 ? w.right : w.here, I < 2 ? weights : weights << 8, sum);
}

// The masks of sv_inner for sample i.
template <int I>
SV_GPU void sv_inner_sample(const sv_window &up, const sv_window &w, const sv_window &down, sv_u32 inner, sv_lane_sums &s) {
  sv_i32 only = (sv_i32)(inner << (24 - 8 * I)) >> 31;  // all bits where the sample counts
  sv_i32 l = sv_neighbours<I>(up, SV_WEIGHTS(0, 1, 0), 0);
  l = sv_neighbours<I>(w, SV_WEIGHTS(1, -4, 1), l);
  l = sv_neighbours<I>(down, SV_WEIGHTS(0, 1, 0), l);
  sv_i32 n = sv_neighbours<I>(up, SV_WEIGHTS(1, -2, 1), 0);
  n = sv_neighbours<I>(w, SV_WEIGHTS(-2, 4, -2), n);
  n = sv_neighbours<I>(down, SV_WEIGHTS(1, -2, 1), n);
  s.laplacian = sv_add_abs(l & only, s.laplacian);
  s.noise = sv_add_abs(n & only, s.noise);
}

// Counts the positions between two plateaus by their step (see sv_band).
SV_GPU void sv_plateaus(sv_four a, sv_four b, sv_four c, sv_four d, sv_four e, sv_four f, sv_u32 mask, sv_u32 &bands) {
  sv_u32 uneven = (a ^ c) | (b ^ c) | (d ^ e) | (d ^ f);
  sv_u32 flat = ~sv_beyond(uneven, 0) & SV_TOP & mask;
  if (flat == 0) return;
  for (sv_four step = sv_apart(c, d); flat; flat >>= 8, step >>= 8)
    if ((flat & 128) && (step & 255) <= 4) bands += 1u << (6 * (step & 255));
}

// Where a lane is on its way down.
struct sv_step_down {
  const sv_u32 *word;
  sv_u8 *steps;           // of the row, in the tile
  sv_i32 y;
  sv_window up, here;
  sv_four step, far;      // from up to here; the top bits of those that make a tooth
  sv_u32 columns;         // steps from the left, of four rows at most: <= 4 * 32
};

// What only one row in four adds. below and step are the next row's.
SV_GPU void sv_sparse_row(sv_tile *t, const sv_lane &k, const sv_step_down &at, sv_four below, sv_four step, sv_lane_sums &s) {
  const sv_u32 *word = at.word;
  sv_four here = at.here.here;
  sv_u32 bins = here & 0xfcfcfcfcu;  // a bin of four levels is a word of the histogram
  SV_UNROLL for (sv_i32 i = 0; i < 32; i += 8)
    if (k.valid >> i & 1) sv_gather((sv_u32 *)((sv_u8 *)t->histogram + (bins >> i & 255)), 1);
  s.v1 = sv_dot(step, step, s.v1);
  if (at.y + 4 < k.height) {
    sv_four d = sv_apart(word[4 * SV_ROW], here);
    s.v4 = sv_dot(d, d, s.v4);
  }
  sv_plateaus(word[-2], word[-1], here, at.here.right, sv_pick(word[1], word[2], 0x4321), sv_pick(word[2], word[3], 0x4321), k.band, s.bands);
  if (at.y >= 8 && at.y + 9 < k.height)
    sv_plateaus(word[-8 * SV_ROW], word[-4 * SV_ROW], here, below, word[5 * SV_ROW], word[9 * SV_ROW], k.valid, s.bands);
}

// Adds a row and steps down to the next.
template <bool SPARSE>
SV_GPU void sv_row(sv_tile *t, const sv_lane &k, sv_step_down &at, sv_lane_sums &s) {
  const sv_window w = at.here, down = sv_look(at.word + SV_ROW);
  sv_four step = sv_apart(down.here, w.here), far = sv_beyond(step, SV_COMB_LEVELS);
  s.luma = sv_dot(w.here, SV_ONES, s.luma);
  sv_four d1 = sv_apart(w.here, w.left) & k.left1, d4 = sv_apart(w.here, at.word[-1]) & k.left4;
  s.g1 = sv_dot(d1, d1, s.g1);
  s.g4 = sv_dot(d4, d4, s.g4);
  at.columns += sv_at_most(d1, SV_STEP_MAX);
  *at.steps = (sv_u8)sv_dot(sv_at_most(at.step, SV_STEP_MAX), SV_ONES, 0);

  // A tooth: the samples before and after agree, and both are far from this one.
  sv_u32 tooth = at.far & far & ~sv_beyond(sv_apart(at.up.here, down.here), SV_COMB_LEVELS) & SV_TOP;
  s.comb = sv_dot(tooth, SV_ONES, s.comb);
  tooth = sv_beyond(d1, SV_COMB_LEVELS) & sv_beyond(sv_apart(w.here, w.right), SV_COMB_LEVELS) &
          ~sv_beyond(sv_apart(w.left, w.right), SV_COMB_LEVELS) & SV_TOP & k.inner;
  s.comb_columns = sv_dot(tooth, SV_ONES, s.comb_columns);

  if (at.y > 0 && at.y < k.height - 1) {
    sv_inner_sample<0>(at.up, w, down, k.inner, s);
    sv_inner_sample<1>(at.up, w, down, k.inner, s);
    sv_inner_sample<2>(at.up, w, down, k.inner, s);
    sv_inner_sample<3>(at.up, w, down, k.inner, s);
  }
  if (SPARSE) sv_sparse_row(t, k, at, down.here, step, s);
  at.word += SV_ROW;
  at.steps += SV_LANES;
  at.y++;
  at.up = w;
  at.here = down;
  at.step = step;
  at.far = far;
}

// Walks down the strip, four rows a turn.
SV_GPU void sv_walk(sv_tile *t, const sv_lane &k, sv_lane_sums &s) {
  sv_step_down at;
  at.word = k.word;
  at.steps = &t->steps[sv_thread_x() / SV_LANES][0][sv_thread_x() % SV_LANES];
  at.y = k.y;
  at.up = sv_look(k.word - SV_ROW);
  at.here = sv_look(k.word);
  at.step = sv_apart(at.here.here, at.up.here);
  at.far = sv_beyond(at.step, SV_COMB_LEVELS);
  for (sv_i32 end = k.y + k.count; at.y < end;) {
    at.columns = 0;
    sv_row<true>(t, k, at, s);
    if (at.y < end) sv_row<false>(t, k, at, s);
    if (at.y < end) sv_row<false>(t, k, at, s);
    if (at.y < end) sv_row<false>(t, k, at, s);
    s.even += at.columns & 0x00ff00ffu;
    s.odd += (at.columns >> 8) & 0x00ff00ffu;
  }
}

#endif
