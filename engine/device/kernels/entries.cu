// The kernels as a GPU is given them: each entry finds its item and calls the
// body. scripts/ptx.sh compiles this file to kernels.ptx with clang alone; no
// header and no library of CUDA is used.
//
// Every entry of one kind takes the same parameters, each in a cell of 8 bytes
// (the driver's Go binding reads so much of each). Pictures come as their
// geometry, which stays, and planes, which change with each picture.
#include "measure.h"
#include "preprocess.h"

#define SV_ENTRY(name) extern "C" __attribute__((global)) void name
#define SV_X ((sv_i32)(__nvvm_read_ptx_sreg_ctaid_x() * __nvvm_read_ptx_sreg_ntid_x() + __nvvm_read_ptx_sreg_tid_x()))
#define SV_Y ((sv_i32)(__nvvm_read_ptx_sreg_ctaid_y() * __nvvm_read_ptx_sreg_ntid_y() + __nvvm_read_ptx_sreg_tid_y()))

#define SV_PLANES const sv_picture *geometry, const void *y, const void *u, const void *v, sv_i64 pitch_y, sv_i64 pitch_u, sv_i64 pitch_v

SV_HD sv_picture sv_on_device(SV_PLANES) {
  sv_picture p = *geometry;
  p.plane[0] = y; p.plane[1] = u; p.plane[2] = v;
  p.pitch[0] = (sv_i32)pitch_y; p.pitch[1] = (sv_i32)pitch_u; p.pitch[2] = (sv_i32)pitch_v;
  return p;
}

// One thread an output position.
#define SV_PUT(name, type)                                                                              \
  SV_ENTRY(name)(const sv_plan *plan, SV_PLANES, type *dst) {                                           \
    sv_i32 i = SV_X, j = SV_Y;                                                                          \
    if (i >= plan->out_width || j >= plan->out_height) return;                                          \
    sv_put(*plan, sv_on_device(geometry, y, u, v, pitch_y, pitch_u, pitch_v), dst, i, j);               \
  }
SV_PUT(sv_put_u8, sv_u8)
SV_PUT(sv_put_f16, sv_u16)
SV_PUT(sv_put_f32, float)

#define SV_MEASURE_PARAMETERS sv_measures *m, void *scratch, SV_PLANES, const void *before, sv_i64 before_pitch
#define SV_THIS sv_on_device(geometry, y, u, v, pitch_y, pitch_u, pitch_v)
#define SV_BEFORE sv_on_device(geometry, before, 0, 0, before_pitch, 0, 0)

// One thread. m is whatever it was.
SV_ENTRY(sv_measure_begin)(SV_MEASURE_PARAMETERS) {
  for (sv_u32 i = 0; i < sizeof(sv_measures) / sizeof(sv_u32); i++) ((sv_u32 *)m)[i] = 0;
  sv_measures_begin(m, SV_THIS, before != 0);
}

// One thread a block.
SV_ENTRY(sv_measure_luma)(SV_MEASURE_PARAMETERS) {
  sv_picture p = SV_THIS, q = SV_BEFORE;
  if (SV_X < sv_blocks_x(p) && SV_Y < sv_blocks_y(p)) sv_luma_block(m, p, before ? &q : 0, SV_X, SV_Y);
}

SV_ENTRY(sv_measure_chroma)(SV_MEASURE_PARAMETERS) {
  sv_picture p = SV_THIS;
  if (SV_X * SV_BLOCK < p.chroma_width && SV_Y * SV_BLOCK < p.chroma_height) sv_chroma_block(m, p, SV_X, SV_Y);
}

SV_ENTRY(sv_measure_grid)(SV_MEASURE_PARAMETERS) {
  sv_picture p = SV_THIS;
  if (SV_X >= SV_GRID_W || SV_Y >= SV_GRID_H) return;
  sv_i32 i = SV_Y * SV_GRID_W + SV_X;
  m->grid_y[i] = sv_grid_cell(p, 0, SV_X, SV_Y);
  if (p.chroma_width == 0) return;
  m->grid_u[i] = sv_grid_cell(p, 1, SV_X, SV_Y);
  m->grid_v[i] = sv_grid_cell(p, 2, SV_X, SV_Y);
}

// One thread.
SV_ENTRY(sv_measure_borders)(SV_MEASURE_PARAMETERS) {
  sv_picture p = SV_THIS;
  while ((sv_i32)m->border_left < p.width / 2 && sv_column_is_bar(p, (sv_i32)m->border_left)) m->border_left++;
  while ((sv_i32)m->border_right < p.width / 2 && sv_column_is_bar(p, p.width - 1 - (sv_i32)m->border_right)) m->border_right++;
  while ((sv_i32)m->border_top < p.height / 2 && sv_row_is_bar(p, (sv_i32)m->border_top)) m->border_top++;
  while ((sv_i32)m->border_bottom < p.height / 2 && sv_row_is_bar(p, p.height - 1 - (sv_i32)m->border_bottom)) m->border_bottom++;
}
