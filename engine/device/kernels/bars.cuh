// The bars of a letterbox. A border reaches to the first row or column, seen from
// its edge, that is no part of a bar; so each one that is none lowers the borders
// to its place, in any order. Most are settled by their first few samples.
#ifndef SV_BARS_CUH
#define SV_BARS_CUH
#include "load.cuh"
#include "measure.h"

enum {
  SV_BAR_WARPS = 16, SV_BAR_THREADS = 32 * SV_BAR_WARPS,
  SV_BAR_LOADS = 8, SV_BAR_COLUMNS = 16 * SV_BAR_LOADS,  // of a thread block that looks at columns
};

// The lowest and the highest of four columns, or of a row in four parts. Nothing
// seen so far is 255 and 0.
struct sv_range { sv_four least, most; };
SV_GPU sv_range sv_range_none() {
  sv_range r = {SV_ALL, 0};
  return r;
}
SV_GPU void sv_range_add(sv_range &r, sv_four least, sv_four most) {
  r.least = sv_least(r.least, least);
  r.most = sv_most(r.most, most);
}
SV_GPU void sv_range_across(sv_range &r, sv_i32 bit) { sv_range_add(r, sv_across(r.least, bit), sv_across(r.most, bit)); }

// The top bits of those of a range, of which something was seen, that make no bar.
SV_GPU sv_u32 sv_no_bar(const sv_range &r) {
  return (sv_beyond(r.most, SV_BAR_LEVEL) | sv_beyond(r.most - r.least, SV_BAR_SPREAD)) & SV_TOP;
}

// Whether row y is part of a bar; all lanes of a warp ask.
SV_GPU bool sv_row_is_dark(const sv_rows &luma, sv_i32 y) {
  sv_range r = sv_range_none();
  for (sv_i32 start = 0, x = 16 * (sv_thread_x() % 32); start < luma.width; start += 512, x += 512) {
    sv_sixteen v = sv_load(luma, x, y);  // 0 outside
    sv_u32 bright = sv_beyond(v.x, SV_BAR_LEVEL) | sv_beyond(v.y, SV_BAR_LEVEL) | sv_beyond(v.z, SV_BAR_LEVEL) | sv_beyond(v.w, SV_BAR_LEVEL);
    if (sv_any((bright & SV_TOP) != 0)) return false;
    SV_UNROLL for (sv_i32 i = 0; i < 4; i++) sv_range_add(r, v[i] | ~sv_within(x + 4 * i, 0, luma.width), v[i]);
  }
  SV_UNROLL for (sv_i32 bit = 1; bit < 32; bit *= 2) sv_range_across(r, bit);
  SV_UNROLL for (sv_i32 bits = 8; bits < 32; bits *= 2) sv_range_add(r, r.least >> bits | ~(SV_ALL >> bits), r.most >> bits);
  return (sv_no_bar(r) & 128) == 0;
}

// A warp looks at row y.
SV_GPU void sv_bars_row(sv_measures *m, const sv_rows &luma, sv_i32 y) {
  if (y >= luma.height || sv_row_is_dark(luma, y) || sv_thread_x() % 32 != 0) return;
  if (y < luma.height / 2) sv_lower(&m->border_top, (sv_u32)y);
  else sv_lower(&m->border_bottom, (sv_u32)(luma.height - 1 - y));
}

// What the warps of a thread block found of its columns.
struct sv_bar_columns { sv_four least[SV_BAR_WARPS][SV_BAR_COLUMNS / 4], most[SV_BAR_WARPS][SV_BAR_COLUMNS / 4]; };

// A warp looks at every so many rows of 128 columns, from the middle of the picture
// on, where no bars lie above and below, until each column is settled.
SV_GPU void sv_bars_scan(sv_bar_columns *found, const sv_rows &luma, sv_i32 x0) {
  sv_i32 part = sv_thread_x() % SV_BAR_LOADS, warp = sv_thread_x() / 32, x = x0 + 16 * part;
  sv_i32 rows = SV_BAR_THREADS / SV_BAR_LOADS;
  sv_range r[4] = {sv_range_none(), sv_range_none(), sv_range_none(), sv_range_none()};
  for (sv_i32 row = sv_thread_x() / SV_BAR_LOADS, start = 0; start < luma.height; start += rows, row += rows) {
    bool open = false;  // a column may still be part of a bar
    if (row < luma.height) {
      sv_i32 y = row + luma.height / 2;
      sv_sixteen v = sv_load(luma, x, y < luma.height ? y : y - luma.height);
      SV_UNROLL for (sv_i32 i = 0; i < 4; i++) {
        sv_range_add(r[i], v[i], v[i]);
        open |= (~sv_no_bar(r[i]) & SV_TOP & sv_within(x + 4 * i, 0, luma.width)) != 0;
      }
    }
    if (!sv_any(open)) break;
  }
  SV_UNROLL for (sv_i32 i = 0; i < 4; i++) {
    SV_UNROLL for (sv_i32 bit = SV_BAR_LOADS; bit < 32; bit *= 2) sv_range_across(r[i], bit);
    if (sv_thread_x() % 32 < SV_BAR_LOADS) {
      found->least[warp][4 * part + i] = r[i].least;
      found->most[warp][4 * part + i] = r[i].most;
    }
  }
}

// A thread block looks at the columns from x0 on.
SV_GPU void sv_bars_columns(sv_bar_columns *found, sv_measures *m, const sv_rows &luma, sv_i32 x0) {
  sv_bars_scan(found, luma, x0);
  __syncthreads();
  sv_i32 lane = sv_thread_x();
  if (lane >= SV_BAR_COLUMNS / 4) return;
  sv_range r = sv_range_none();
  for (sv_i32 i = 0; i < SV_BAR_WARPS; i++) sv_range_add(r, found->least[i][lane], found->most[i][lane]);
  sv_u32 none = sv_no_bar(r);
  sv_i32 left = luma.width, right = luma.width;
  SV_UNROLL for (sv_i32 i = 0; i < 4; i++) {
    sv_i32 x = x0 + 4 * lane + i;
    if (x >= luma.width || !(none >> (8 * i) & 128)) continue;
    left = sv_min(left, x);
    right = sv_min(right, luma.width - 1 - x);
  }
  SV_UNROLL for (sv_i32 bit = 1; bit < 32; bit *= 2) {
    left = sv_min(left, (sv_i32)sv_across((sv_u32)left, bit));
    right = sv_min(right, (sv_i32)sv_across((sv_u32)right, bit));
  }
  if (lane != 0) return;
  sv_lower(&m->border_left, (sv_u32)left);
  sv_lower(&m->border_right, (sv_u32)right);
}

#endif
