// The luma histogram. Two neighbours make one key, so that there is one count for
// two samples; two tables take turns, so that equal keys do not wait for each other.
#ifndef SV_HISTOGRAM_H
#define SV_HISTOGRAM_H
#include "../kernels/types.h"

enum { HISTOGRAM_KEYS = SV_BINS * SV_BINS };

struct Histogram {
  sv_u16 *pairs;  // two tables by key; flushed before a count can pass 2^16
  sv_u32 *bins;
  sv_u32 room;    // samples that may still be taken before a flush
};

static void histogram_flush(Histogram &h) {
  for (int hi = 0; hi < SV_BINS; hi++) {
    sv_u16 *a = h.pairs + hi * SV_BINS, *b = a + HISTOGRAM_KEYS;
    sv_u32 sum = 0;
    for (int lo = 0; lo < SV_BINS; lo++) {
      sv_u32 n = (sv_u32)a[lo] + b[lo];
      h.bins[lo] += n;
      sum += n;
    }
    h.bins[hi] += sum;
  }
  __builtin_memset(h.pairs, 0, 2 * HISTOGRAM_KEYS * sizeof(sv_u16));
  h.room = 65535;
}

// bins are zero.
static void histogram_begin(Histogram &h, sv_u32 *bins) {
  h.bins = bins;
  h.room = 65535;
  __builtin_memset(h.pairs, 0, 2 * HISTOGRAM_KEYS * sizeof(sv_u16));
}

template <class S>
static void histogram_row(Histogram &h, const sv_u8 *row, sv_i32 width) {
  const typename S::V low = S::fill_w(63), high = S::fill_w(63 << 6);
  if (h.room < (sv_u32)width) histogram_flush(h);
  h.room -= (sv_u32)width;
  sv_i32 x = 0;
  for (; x + S::BYTES <= width; x += S::BYTES) {
    typename S::V v = S::load(row + x);
    typename S::V key = S::bit_or(S::bit_and(S::shift_w(v, 2), low), S::bit_and(S::shift_w(v, 4), high));
    if (S::alike(key)) {  // flat pictures would meet the same count again and again
      h.pairs[S::first(key)] = (sv_u16)(h.pairs[S::first(key)] + S::WORDS);
      continue;
    }
    sv_u16 keys[S::WORDS];
    S::store(keys, key);
    for (int i = 0; i < S::WORDS; i += 2) {
      h.pairs[keys[i]]++;
      h.pairs[HISTOGRAM_KEYS + keys[i + 1]]++;
    }
  }
  for (; x < width; x++) h.bins[row[x] / 4]++;
}

#endif
