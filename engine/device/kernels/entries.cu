// The kernels as a GPU is given them. scripts/ptx.sh compiles this file to
// kernels.ptx with clang alone; no header and no library of CUDA is used.
//
// Every entry of one kind takes the same parameters, each in a cell of 8 bytes
// (the driver's Go binding reads so much of each). Pictures come as their
// geometry, which stays, and planes, which change with each picture. launch.go
// says how many threads an entry wants; it is not said here, since ptxas would rather
// keep registers in memory than have fewer thread blocks at once.
#include "bars.cuh"
#include "blocks.cuh"
#include "cells.cuh"
#include "put.cuh"

#define SV_ENTRY(name) extern "C" __attribute__((global)) void name
#define SV_PLANES const sv_picture *geometry, const void *y, const void *u, const void *v, sv_i64 pitch_y, sv_i64 pitch_u, sv_i64 pitch_v

SV_GPU sv_picture sv_on_device(SV_PLANES) {
  sv_picture p = *geometry;
  p.plane[0] = y; p.plane[1] = u; p.plane[2] = v;
  p.pitch[0] = (sv_i32)pitch_y; p.pitch[1] = (sv_i32)pitch_u; p.pitch[2] = (sv_i32)pitch_v;
  return p;
}
#define SV_PICTURE sv_on_device(geometry, y, u, v, pitch_y, pitch_u, pitch_v)

// sv_put_*: a thread an output position. sv_put_luma_*, for luma without a filter: a
// thread four of them in each of four rows.
#define SV_PUT(name, type)                                                  \
  SV_ENTRY(sv_put_##name)(const sv_plan *plan, SV_PLANES, type *dst) {      \
    SV_SHARED sv_places places;                                             \
    sv_put_positions(&places, *plan, SV_PICTURE, dst);                      \
  }                                                                         \
  SV_ENTRY(sv_put_luma_##name)(const sv_plan *plan, SV_PLANES, type *dst) { \
    sv_put_luma(*plan, SV_PICTURE, dst);                                    \
  }
SV_PUT(u8, sv_u8)
SV_PUT(f16, sv_u16)
SV_PUT(f32, float)

#define SV_MEASURE_PARAMETERS sv_measures *m, void *scratch, SV_PLANES, const void *before, sv_i64 before_pitch

// One thread block. m is whatever it was.
SV_ENTRY(sv_measure_begin)(SV_MEASURE_PARAMETERS) {
  for (sv_i32 i = sv_thread_x(); i < (sv_i32)(sizeof *m / sizeof(sv_u32)); i += sv_threads_x()) ((sv_u32 *)m)[i] = 0;
  __syncthreads();
  if (sv_thread_x() != 0) return;
  sv_picture p = SV_PICTURE;
  sv_measures_begin(m, p, before != 0);
  m->border_left = m->border_right = (sv_u32)p.width / 2;  // what is no bar lowers them
  m->border_top = m->border_bottom = (sv_u32)p.height / 2;
}

// A thread block a tile.
SV_ENTRY(sv_measure_tiles)(SV_MEASURE_PARAMETERS) {
  SV_SHARED sv_tile tile;
  sv_picture p = SV_PICTURE;
  sv_rows luma = sv_rows_of(p, y, pitch_y, p.width, p.height), other = sv_rows_of(p, before, before_pitch, p.width, p.height);
  sv_tile_measure(&tile, m, luma, other, SV_TILE_W * sv_group_x(), SV_TILE_H * sv_group_y());
}

// Threads x lanes a cell, threads y cells; a layer of thread blocks for each plane in memory.
SV_ENTRY(sv_measure_cells)(SV_MEASURE_PARAMETERS) {
  sv_picture p = SV_PICTURE;
  sv_i32 i = sv_group_x() * sv_threads_y() + sv_thread_y(), j = sv_group_y(), plane = sv_group_z(), lane = sv_thread_x(), lanes = sv_threads_x();
  sv_i32 width = plane == 0 ? p.width : p.chroma_width, height = plane == 0 ? p.height : p.chroma_height;
  const void *base = plane == 0 ? y : plane == 1 ? u : v;
  sv_i64 pitch = plane == 0 ? pitch_y : plane == 1 ? pitch_u : pitch_v;
  if (plane > 0 && p.chroma_step == 2) sv_cell_measure<true>(m, sv_rows_of(p, base, pitch, 2 * width, height), 1, i, j, lane, lanes);
  else sv_cell_measure<false>(m, sv_rows_of(p, base, pitch, width, height), plane, i, j, lane, lanes);
}

// The first thread blocks look at columns, the others at rows.
SV_ENTRY(sv_measure_bars)(SV_MEASURE_PARAMETERS) {
  SV_SHARED sv_bar_columns found;
  sv_picture p = SV_PICTURE;
  sv_rows luma = sv_rows_of(p, y, pitch_y, p.width, p.height);
  sv_i32 group = sv_group_x(), columns = (p.width + SV_BAR_COLUMNS - 1) / SV_BAR_COLUMNS;
  if (group < columns) sv_bars_columns(&found, m, luma, group * SV_BAR_COLUMNS);
  else sv_bars_row(m, luma, (group - columns) * SV_BAR_WARPS + sv_thread_x() / 32);
}
