#include "truepeak.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

// A Kaiser-windowed sinc: flat within 0.05 dB up to 0.45 of the sample rate.
static double kaiser(double x, double beta) {
  double sum = 1, term = 1, y = beta * sqrt(fmax(0, 1 - x * x)) / 2, norm = 1, nterm = 1;
  for (int k = 1; k < 32; k++) {
    term *= (y / k) * (y / k);
    nterm *= (beta / 2 / k) * (beta / 2 / k);
    sum += term;
    norm += nterm;
  }
  return sum / norm;
}

void svm_truepeak_init(svm_truepeak *t) {
  memset(t, 0, sizeof *t);
  for (int p = 0; p < SVM_TP_PHASES; p++) {
    double sum = 0;
    for (int k = 0; k < SVM_TP_TAPS; k++) {
      double x = k - (SVM_TP_TAPS / 2 - 1) - (p + 1) / 4.;
      double v = sin(M_PI * x) / (M_PI * x) * kaiser(x / (SVM_TP_TAPS / 2), 6);
      t->taps[p][k] = v;
      sum += v;
    }
    for (int k = 0; k < SVM_TP_TAPS; k++) t->taps[p][k] /= sum;
  }
}

// Eight samples at once, in the compiler's own vectors: left to itself it makes of
// the plain loops anything from this to six times slower.
typedef float lanes __attribute__((vector_size(32)));
typedef int32_t bits __attribute__((vector_size(32)));

// Pointers, since a vector by value would depend on the instruction set.
#define INLINE static inline __attribute__((always_inline))

INLINE void add(lanes *sum, float tap, const float *x) {
  lanes v;
  memcpy(&v, x, sizeof v);
  *sum += tap * v;
}

INLINE void larger(lanes *most, const lanes *v) {
  lanes a = (lanes)((bits)*v & 0x7fffffff);
  bits more = a > *most;
  *most = (lanes)(((bits)a & more) | ((bits)*most & ~more));
}

#if defined __x86_64__ && defined __GNUC__ && !defined __clang__
__attribute__((target_clones("arch=x86-64-v3", "default")))
#endif
static float peak(const float taps[SVM_TP_PHASES][SVM_TP_TAPS], const float *x, int n) {
  lanes most = {0};
  for (int i = 0; i < n; i += 16) {
    for (int p = 0; p < SVM_TP_PHASES; p++) {
      lanes a = {0}, b = {0};
      for (int k = 0; k < SVM_TP_TAPS; k++) {
        add(&a, taps[p][k], x + i + k);
        add(&b, taps[p][k], x + i + k + 8);
      }
      larger(&most, &a);
      larger(&most, &b);
    }
    lanes own[2];
    memcpy(own, x + i, sizeof own);
    larger(&most, &own[0]);
    larger(&most, &own[1]);
  }
  float r = 0;
  for (int j = 0; j < 8; j++) r = most[j] > r ? most[j] : r;
  return r;
}

float svm_truepeak_feed(svm_truepeak *t, const float *x, int n) {
  const int keep = SVM_TP_TAPS - 1;
  float r = 0;
  while (n > 0) {
    int k = n < SVM_TP_BLOCK ? n : SVM_TP_BLOCK;
    memcpy(t->line + keep, x, k * sizeof *x);
    // peak works in steps of 16; what lies behind the block must add nothing.
    memset(t->line + keep + k, 0, 16 * sizeof *x);
    int whole = k / 16 * 16;
    float a = peak(t->taps, t->line, whole);
    if (a > r) r = a;
    if (whole < k) {
      // The rest once more, over samples that end with the block. The line is
      // longer than 16, so the window lies within it.
      int from = k - 16 < 0 ? 0 : k - 16;
      if (k >= 16) a = peak(t->taps, t->line + from, 16);
      else {
        float few[SVM_TP_TAPS - 1 + 16];
        memset(few, 0, sizeof few);
        memcpy(few, t->line, (keep + k) * sizeof *few);
        a = peak(t->taps, few, 16);
      }
      if (a > r) r = a;
    }
    memmove(t->line, t->line + k, keep * sizeof *x);
    x += k;
    n -= k;
  }
  return r;
}
