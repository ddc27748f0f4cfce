// Rows of samples that the other filters make, and what becomes of a row of Y, U
// and V in all of them.
#ifndef SV_PUT_ROWS_H
#define SV_PUT_ROWS_H
#include "put_area.h"

static inline sv_i32 sample_at(const Source &s, const sv_u8 *row, sv_i32 i) {
  return s.bytes == 1 ? row[i] : sv_min(((const sv_u16 *)row)[i] >> s.shift, s.most);
}

// Where bilinear samples of a row come from.
struct Taps2 {
  sv_i32 *left, *right;  // index of the sample in its row, interleaving counted
  sv_u32 *weight;        // of the right one, 0..2047 of 2048
  sv_i32 count;
};

static void taps2_begin(Taps2 &t, sv_i32 src, sv_i32 n, sv_i32 step, sv_i32 offset) {
  t.count = n;
  for (sv_i32 x = 0; x < n; x++) {
    sv_tap(x, src, n, t.left[x], t.right[x], t.weight[x]);
    t.left[x] = t.left[x] * step + offset;
    t.right[x] = t.right[x] * step + offset;
  }
}

// Rows weighted along, the last two kept: when a picture grows they serve again.
struct BilinearRow {
  sv_u32 *kept[2];  // <= 2^16 * 2^11
  sv_i32 row[2];    // -1 for none
};

static const sv_u32 *bilinear_along(const Source &s, const Taps2 &t, BilinearRow &r, sv_i32 y) {
  sv_i32 k = y & 1;
  sv_u32 *out = r.kept[k];
  if (r.row[k] == y) return out;
  const sv_u8 *row = s.base + y * s.pitch;
  for (sv_i32 x = 0; x < t.count; x++)
    out[x] = (2048 - t.weight[x]) * (sv_u32)sample_at(s, row, t.left[x]) + t.weight[x] * (sv_u32)sample_at(s, row, t.right[x]);
  r.row[k] = y;
  return out;
}

static void bilinear_row(const Source &s, const Taps2 &t, BilinearRow &r, sv_i32 y, sv_i32 n, float *__restrict__ out) {
  sv_i32 y0, y1;
  sv_u32 w;
  sv_tap(y, s.height, n, y0, y1, w);
  const sv_u32 *__restrict__ a = bilinear_along(s, t, r, y0);
  const sv_u32 *__restrict__ b = bilinear_along(s, t, r, y1);
  if (s.bytes == 1) {  // below 2^8 * 2^22: fits 31 bits
    for (sv_i32 x = 0; x < t.count; x++) out[x] = (float)(sv_i32)((2048 - w) * a[x] + w * b[x]) * (1.0f / 4194304.0f);
    return;
  }
  double wa = 2048 - w, wb = w;  // below 2^38: a double is exact
  for (sv_i32 x = 0; x < t.count; x++) out[x] = (float)(wa * a[x] + wb * b[x]) * (1.0f / 4194304.0f);
}

// Row y of the native picture, the last column repeated up to n samples. offset
// and step are those of interleaved chroma, shift is its subsampling.
static void native_row(const Source &s, sv_i32 y, sv_i32 width, sv_i32 n, sv_i32 step, sv_i32 offset, sv_i32 shift, float *__restrict__ out) {
  const sv_u8 *row = s.base + y * s.pitch;
  if (step == 1 && shift == 0 && s.bytes == 1) {
    for (sv_i32 x = 0; x < width; x++) out[x] = row[x];
  } else if (step == 1 && shift == 0) {
    const sv_u16 *__restrict__ words = (const sv_u16 *)row;
    const sv_i32 down = s.shift, most = s.most;
    for (sv_i32 x = 0; x < width; x++) out[x] = (float)sv_min(words[x] >> down, most);
  } else {
    for (sv_i32 x = 0; x < width; x++) out[x] = (float)sample_at(s, row, (x >> shift) * step + offset);
  }
  for (sv_i32 x = width; x < n; x++) out[x] = out[width - 1];
}

static void luma_row(const sv_plan &P, float *__restrict__ Y, sv_i32 n) {
  const float scale = P.in_scale;
  for (sv_i32 x = 0; x < n; x++) Y[x] = sv_clip(Y[x] * scale);
}

// Chroma of a picture that has none.
static void neutral_row(const sv_plan &P, float *U, sv_i32 n) {
  for (sv_i32 x = 0; x < n; x++) U[x] = 128.0f / P.in_scale;
}

// Y, U, V to R, G, B in place.
static void colour_row(const sv_plan &P, float *__restrict__ Y, float *__restrict__ U, float *__restrict__ V, sv_i32 n) {
  const sv_plan plan = P;
  for (sv_i32 x = 0; x < n; x++) {
    float o[3];
    sv_colour(plan, Y[x], U[x], V[x], o);
    Y[x] = o[0];
    U[x] = o[1];
    V[x] = o[2];
  }
}

template <class O>
static void store_row(O *__restrict__ out, const float *__restrict__ v, sv_i32 n, float mul, float add) {
  for (sv_i32 x = 0; x < n; x++) sv_store(out + x, v[x], mul, add);
}

#endif
