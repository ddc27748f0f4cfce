// Samples from a plane, sixteen at a time and in 8-bit units, whatever the depth.
#ifndef SV_LOAD_CUH
#define SV_LOAD_CUH
#include "lanes.cuh"

// A plane as rows of samples. Rows of interleaved chroma hold both planes.
struct sv_rows {
  const sv_u8 *base;
  sv_i32 pitch;          // in bytes
  sv_i32 width, height;  // in samples
  sv_i32 shift;          // from a 16-bit word to 8-bit units; 0 for 8-bit samples
  bool aligned;          // every row begins at a multiple of 16 bytes
};

SV_GPU sv_rows sv_rows_of(const sv_picture &p, const void *base, sv_i64 pitch, sv_i32 width, sv_i32 height) {
  sv_rows r = {(const sv_u8 *)base, (sv_i32)pitch, width, height, p.sample_bytes == 1 ? 0 : p.word_shift + p.depth - 8,
               (((sv_u64)base | (sv_u64)pitch) & 15) == 0};
  return r;
}

// Two words of two samples of 16 bits. Those beyond the depth count as the largest.
SV_GPU sv_four sv_narrow(sv_u32 a, sv_u32 b, sv_i32 shift) {
  if (shift == 8) return sv_pick(a, b, 0x7531);
  sv_u32 lanes = (0xffffu >> shift) * 0x10001u;
  a = (a >> shift) & lanes;
  b = (b >> shift) & lanes;
  a |= sv_pick(a + 0x7f007f00u, 0, 0xbb99);  // beyond 255: all bits set
  b |= sv_pick(b + 0x7f007f00u, 0, 0xbb99);
  return sv_pick(a, b, 0x6420);
}

// How columns x..x+15 are read: they lie outside the row, need one look at each
// sample, or are whole loads of bytes or of 16-bit words.
enum { SV_OUTSIDE, SV_SINGLY, SV_BYTES, SV_WORDS };
template <int KIND> struct sv_kind {};

// Calls body with the kind of columns x..x+15, so that a loop over rows need not ask
// for it again. x is a multiple of 16.
template <class BODY>
SV_GPU void sv_by_kind(const sv_rows &r, sv_i32 x, BODY body) {
  if (x < 0 || x >= r.width) body(sv_kind<SV_OUTSIDE>());
  else if (!r.aligned || x + 16 > r.width) body(sv_kind<SV_SINGLY>());
  else if (r.shift == 0) body(sv_kind<SV_BYTES>());
  else body(sv_kind<SV_WORDS>());
}

SV_GPU const sv_u8 *sv_row_at(const sv_rows &r, sv_i32 y) { return r.base + (sv_i64)y * r.pitch; }

// Samples x..x+15 of row y, which is inside; those outside the row are 0.
SV_GPU sv_sixteen sv_load(sv_kind<SV_OUTSIDE>, const sv_rows &, sv_i32, sv_i32) { return (sv_sixteen){0, 0, 0, 0}; }
SV_GPU sv_sixteen sv_load(sv_kind<SV_BYTES>, const sv_rows &r, sv_i32 x, sv_i32 y) { return *(const sv_sixteen *)(sv_row_at(r, y) + x); }
SV_GPU sv_sixteen sv_load(sv_kind<SV_WORDS>, const sv_rows &r, sv_i32 x, sv_i32 y) {
  const sv_sixteen *row = (const sv_sixteen *)(sv_row_at(r, y) + 2 * x), a = row[0], b = row[1];
  return (sv_sixteen){sv_narrow(a.x, a.y, r.shift), sv_narrow(a.z, a.w, r.shift), sv_narrow(b.x, b.y, r.shift), sv_narrow(b.z, b.w, r.shift)};
}
SV_GPU sv_sixteen sv_load(sv_kind<SV_SINGLY>, const sv_rows &r, sv_i32 x, sv_i32 y) {
  const sv_u8 *row = sv_row_at(r, y);
  sv_sixteen v = {0, 0, 0, 0};
  for (sv_i32 end = x + 16; x < end; x += 4) {
    sv_four word = 0;
    for (sv_i32 i = x + 3; i >= x; i--) {
      sv_u32 s = 0;
      if (i >= 0 && i < r.width) s = r.shift ? sv_narrow(((const sv_u16 *)row)[i], 0, r.shift) : row[i];
      word = word << 8 | s;
    }
    v = (sv_sixteen){v.y, v.z, v.w, word};
  }
  return v;
}
SV_GPU sv_sixteen sv_load(const sv_rows &r, sv_i32 x, sv_i32 y) {
  sv_sixteen v;
  sv_by_kind(r, x, [&](auto kind) { v = sv_load(kind, r, x, y); });
  return v;
}

#endif
