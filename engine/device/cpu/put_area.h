// The area filter by rows: the full rows of a footprint are summed first, then
// the sum is weighted along the row, so that the costly step runs once an output
// row. All is integer arithmetic on exact values, so regrouping changes no bit.
#ifndef SV_PUT_AREA_H
#define SV_PUT_AREA_H
#include <emmintrin.h>
#include "../kernels/preprocess.h"

enum {
  TAPS = 8,           // 16-bit samples a 128-bit vector
  FOOTPRINT_MAX = 128  // samples a side; beyond it, and beyond 12 bits, the reference body runs
};

// How the samples of a row become output samples: sample x is the dot product of
// the samples from start[x] on with chunks*TAPS weights (0..256), times scale[x].
struct Taps {
  sv_i32 *start;
  sv_i16 *weight;
  float *scale;
  sv_i32 count, chunks;
};

// Rows of one plane in memory. Interleaved chroma is one row of both.
struct Source {
  const sv_u8 *base;
  sv_i64 pitch;
  sv_i32 samples;  // a row
  sv_i32 height;
  sv_i32 bytes, shift, most;  // of a sample; from the word to the sample; the largest sample
};

static inline sv_i32 chunks_for(sv_i32 src, sv_i32 n, sv_i32 step) {
  sv_i32 taps = src / n + 2;  // a footprint of src/n samples touches at most one more, rounded up
  return (taps * step + TAPS - 1) / TAPS;
}

// Fills the tables for n outputs over src samples that lie step apart from offset on.
static void taps_begin(Taps &t, sv_i32 src, sv_i32 n, sv_i32 step, sv_i32 offset) {
  t.count = n;
  t.chunks = chunks_for(src, n, step);
  for (sv_i32 x = 0; x < n; x++) {
    sv_u32 a, b;
    sv_span(x, src, n, a, b);
    sv_i16 *w = t.weight + (sv_i64)x * t.chunks * TAPS;
    __builtin_memset(w, 0, (unsigned)(t.chunks * TAPS) * sizeof *w);
    t.start[x] = (sv_i32)(a >> 8) * step;
    t.scale[x] = 1.0f / (float)(b - a);
    for (sv_i32 c = (sv_i32)(a >> 8); c < (sv_i32)((b + 255) >> 8); c++) w[(c - (sv_i32)(a >> 8)) * step + offset] = (sv_i16)sv_weight(c, a, b);
  }
}

// out[x] = the dot product of row with the weights of output x. It reads up to
// chunks*TAPS samples past the last one: row is a padded buffer. A product is at
// most 2^15 * 2^8, and the weights add up to 256 * FOOTPRINT_MAX: below 2^31.
static inline __m128i dot(const sv_i16 *row, const Taps &t, sv_i32 x) {
  const __m128i *s = (const __m128i *)(row + t.start[x]), *w = (const __m128i *)(t.weight + (sv_i64)x * t.chunks * TAPS);
  __m128i sum = _mm_madd_epi16(_mm_loadu_si128(s), _mm_loadu_si128(w));
  for (sv_i32 i = 1; i < t.chunks; i++) sum = _mm_add_epi32(sum, _mm_madd_epi16(_mm_loadu_si128(s + i), _mm_loadu_si128(w + i)));
  return sum;
}
static inline __m128i fold(__m128i a, __m128i b) { return _mm_add_epi32(_mm_unpacklo_epi32(a, b), _mm_unpackhi_epi32(a, b)); }

// out has room for three more.
static void weigh_row(const sv_i16 *row, const Taps &t, sv_i32 *out) {
  for (sv_i32 x = 0; x < t.count; x += 4) {
    sv_i32 last = t.count - 1;
    __m128i ab = fold(dot(row, t, x), dot(row, t, sv_min(x + 1, last)));
    __m128i cd = fold(dot(row, t, sv_min(x + 2, last)), dot(row, t, sv_min(x + 3, last)));
    _mm_storeu_si128((__m128i *)(out + x), _mm_add_epi32(_mm_unpacklo_epi64(ab, cd), _mm_unpackhi_epi64(ab, cd)));
  }
}

// out = the sum of n rows from row y on; n is such that it stays below 2^15.
template <class S>
static void sum_rows(const Source &s, sv_i32 y, sv_i32 n, sv_i16 *out) {
  const sv_u8 *base = s.base + y * s.pitch;
  sv_i32 x = 0;
  if (s.bytes == 1) {
    for (; x + S::WORDS <= s.samples; x += S::WORDS) {
      typename S::V sum = S::widen(base + x);
      for (sv_i32 r = 1; r < n; r++) sum = S::add_w(sum, S::widen(base + r * s.pitch + x));
      S::store(out + x, sum);
    }
    for (; x < s.samples; x++) {
      out[x] = 0;
      for (sv_i32 r = 0; r < n; r++) out[x] = (sv_i16)(out[x] + base[r * s.pitch + x]);
    }
    return;
  }
  const typename S::V most = S::fill_w(s.most);
  for (; x + S::WORDS <= s.samples; x += S::WORDS) {
    typename S::V sum = S::zero();
    for (sv_i32 r = 0; r < n; r++)
      sum = S::add_w(sum, S::limit_w(S::shift_w(S::load(base + r * s.pitch + 2 * x), s.shift), most));
    S::store(out + x, sum);
  }
  for (; x < s.samples; x++) {
    out[x] = 0;
    for (sv_i32 r = 0; r < n; r++)
      out[x] = (sv_i16)(out[x] + sv_min(((const sv_u16 *)(base + r * s.pitch))[x] >> s.shift, s.most));
  }
}

// The buffers of one plane (or of both planes that share rows).
struct AreaRow {
  sv_i16 *sums;       // of full rows, padded
  sv_i32 *edge[2];    // weighted rows that lie across two footprints, by output of either plane
  sv_i32 edge_row[2]; // which rows those are; -1 for none
  sv_i32 *weighted;
  double *total;      // exact: below 2^53
};

template <class S>
struct Area {
  // out = output row y of n over the source, in sample units. The caller keeps one
  // AreaRow for each Taps, and sets edge_row to -1 before a picture.
  static void row(const Source &s, const Taps &t, AreaRow &r, sv_i32 y, sv_i32 n, sv_i32 chunk, bool small, float *out) {
    sv_u32 a, b;
    sv_span(y, s.height, n, a, b);
    sv_i32 first = (sv_i32)(a >> 8), end = (sv_i32)((b + 255) >> 8);
    float scale = 1.0f / (float)(b - a);
    sv_i32 *sum = (sv_i32 *)r.total;
    bool fresh = true;
    for (sv_i32 i = first; i < end;) {
      sv_i32 w = (sv_i32)sv_weight(i, a, b), rows = 1;
      const sv_i32 *h;
      if (w == 256) {
        while (i + rows < end && rows < chunk && sv_weight(i + rows, a, b) == 256) rows++;
        sum_rows<S>(s, i, rows, r.sums);
        weigh_row(r.sums, t, r.weighted);
        h = r.weighted;
      } else {
        h = edge(s, t, r, i);
      }
      if (small) add(sum, h, w, t.count, fresh);
      else add(r.total, h, w, t.count, fresh);
      fresh = false;
      i += rows;
    }
    if (small) scale_row(sum, t, scale, out);
    else scale_row(r.total, t, scale, out);
  }

 private:
  // Row i, weighted along; kept, because the next footprint needs it too.
  static const sv_i32 *edge(const Source &s, const Taps &t, AreaRow &r, sv_i32 i) {
    sv_i32 k = i & 1;
    if (r.edge_row[k] != i) {
      sum_rows<S>(s, i, 1, r.sums);
      weigh_row(r.sums, t, r.edge[k]);
      r.edge_row[k] = i;
    }
    return r.edge[k];
  }
  template <class T>
  static void add(T *__restrict__ sum, const sv_i32 *__restrict__ h, sv_i32 w, sv_i32 n, bool fresh) {
    if (fresh) for (sv_i32 x = 0; x < n; x++) sum[x] = (T)w * (T)h[x];
    else for (sv_i32 x = 0; x < n; x++) sum[x] += (T)w * (T)h[x];
  }
  template <class T>
  static void scale_row(const T *__restrict__ sum, const Taps &t, float scale, float *__restrict__ out) {
    const float *__restrict__ across = t.scale;
    for (sv_i32 x = 0; x < t.count; x++) out[x] = (float)sum[x] * across[x] * scale;
  }
};

#endif
