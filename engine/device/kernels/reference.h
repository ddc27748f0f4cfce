// All items of a kernel one after the other on the host: what the fast forms,
// and a GPU, are compared with.
#ifndef SV_REFERENCE_H
#define SV_REFERENCE_H
#include "measure.h"
#include "preprocess.h"

template <class O>
static void sv_reference_put(const sv_plan &P, const sv_picture &p, O *dst) {
  for (sv_i32 y = 0; y < P.out_height; y++)
    for (sv_i32 x = 0; x < P.out_width; x++) sv_put(P, p, dst, x, y);
}

// dst is of the plan's type.
static void sv_reference_put_any(const sv_plan &P, const sv_picture &p, void *dst) {
  if (P.type == SV_U8) sv_reference_put(P, p, (sv_u8 *)dst);
  else if (P.type == SV_F16) sv_reference_put(P, p, (sv_u16 *)dst);
  else sv_reference_put(P, p, (float *)dst);
}

static void sv_reference_borders(sv_measures *m, const sv_picture &p) {
  while ((sv_i32)m->border_left < p.width / 2 && sv_column_is_bar(p, (sv_i32)m->border_left)) m->border_left++;
  while ((sv_i32)m->border_right < p.width / 2 && sv_column_is_bar(p, p.width - 1 - (sv_i32)m->border_right)) m->border_right++;
  while ((sv_i32)m->border_top < p.height / 2 && sv_row_is_bar(p, (sv_i32)m->border_top)) m->border_top++;
  while ((sv_i32)m->border_bottom < p.height / 2 && sv_row_is_bar(p, p.height - 1 - (sv_i32)m->border_bottom)) m->border_bottom++;
}

// m is zero on entry; previous may be null.
static void sv_reference_measure(sv_measures *m, const sv_picture &p, const sv_picture *previous) {
  sv_measures_begin(m, p, previous != 0);
  for (sv_i32 by = 0; by < sv_blocks_y(p); by++)
    for (sv_i32 bx = 0; bx < sv_blocks_x(p); bx++) sv_luma_block(m, p, previous, bx, by);
  for (sv_i32 by = 0; by * SV_BLOCK < p.chroma_height; by++)
    for (sv_i32 bx = 0; bx * SV_BLOCK < p.chroma_width; bx++) sv_chroma_block(m, p, bx, by);
  for (sv_i32 j = 0; j < SV_GRID_H; j++)
    for (sv_i32 i = 0; i < SV_GRID_W; i++) {
      m->grid_y[j * SV_GRID_W + i] = sv_grid_cell(p, 0, i, j);
      if (p.chroma_width == 0) continue;
      m->grid_u[j * SV_GRID_W + i] = sv_grid_cell(p, 1, i, j);
      m->grid_v[j * SV_GRID_W + i] = sv_grid_cell(p, 2, i, j);
    }
  sv_reference_borders(m, p);
}

#endif
