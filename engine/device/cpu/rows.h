// Rows of a picture as plain 8-bit samples, whatever its format: read in place
// where they are that already, else narrowed into a small ring.
#ifndef SV_ROWS_H
#define SV_ROWS_H
#include "../kernels/sample.h"

enum { SV_RING = 64 };  // rows; more than any window below asks for

struct Rows {
  const sv_u8 *base;  // of rows in place; null where they are narrowed
  sv_i64 pitch;
  const sv_picture *picture;
  sv_i32 plane, width, height;
  sv_u8 *ring;       // SV_RING rows of ring_pitch bytes
  sv_i32 ring_pitch;
  sv_i32 ready;      // rows below this one have been narrowed
};

static bool in_place(const sv_picture &p, sv_i32 plane) {
  return p.sample_bytes == 1 && (plane == 0 || p.chroma_step == 1);
}

static void rows_begin(Rows &r, const sv_picture &p, sv_i32 plane, sv_u8 *ring, sv_i32 ring_pitch) {
  r.picture = &p;
  r.plane = plane;
  r.width = sv_plane_width(p, plane);
  r.height = sv_plane_height(p, plane);
  r.base = in_place(p, plane) ? (const sv_u8 *)p.plane[plane] : 0;
  r.pitch = p.pitch[plane];
  r.ring = ring;
  r.ring_pitch = ring_pitch;
  r.ready = 0;
}

// Narrows every STEP-th of n words.
template <class S, int STEP>
static void narrow(const sv_u16 *in, sv_u8 *out, sv_i32 n, sv_i32 shift) {
  sv_i32 x = 0;
  if (STEP == 1)
    for (; x + S::WORDS <= n; x += S::WORDS) S::store_narrow(out + x, S::limit_w(S::shift_w(S::load(in + x), shift), S::fill_w(255)));
  for (; x < n; x++) out[x] = (sv_u8)sv_min(in[x * STEP] >> shift, 255);
}

template <class S>
static void narrow_row(const Rows &r, sv_i32 y, sv_u8 *out) {
  const sv_picture &p = *r.picture;
  const sv_u8 *in = (const sv_u8 *)p.plane[r.plane] + y * r.pitch;
  sv_i32 shift = p.word_shift + p.depth - 8;
  if (p.sample_bytes == 1) {  // interleaved, else it would be read in place
    for (sv_i32 x = 0; x < r.width; x++) out[x] = in[2 * x];
  } else if (r.plane == 0 || p.chroma_step == 1) {
    narrow<S, 1>((const sv_u16 *)in, out, r.width, shift);
  } else {
    narrow<S, 2>((const sv_u16 *)in, out, r.width, shift);
  }
}

// Makes rows below end readable; the SV_RING ones before it stay so.
template <class S>
static void rows_until(Rows &r, sv_i32 end) {
  if (r.base) return;
  for (end = sv_min(end, r.height); r.ready < end; r.ready++)
    narrow_row<S>(r, r.ready, r.ring + (sv_i64)(r.ready % SV_RING) * r.ring_pitch);
}

// Row y, moved into the picture if it lies outside.
static const sv_u8 *row_at(const Rows &r, sv_i32 y) {
  y = sv_max(0, sv_min(y, r.height - 1));
  return r.base ? r.base + y * r.pitch : r.ring + (sv_i64)(y % SV_RING) * r.ring_pitch;
}

// Row y whatever was made ready before; overwrites the ring.
template <class S>
static const sv_u8 *row_afresh(const Rows &r, sv_i32 y) {
  if (r.base) return r.base + y * r.pitch;
  narrow_row<S>(r, y, r.ring);
  return r.ring;
}

#endif
