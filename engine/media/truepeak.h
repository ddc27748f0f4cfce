// Inter-sample peaks as in ITU-R BS.1770-4 annex 2: the signal is interpolated to
// four times its rate, and the highest absolute value counts.
#ifndef STREAMVET_TRUEPEAK_H
#define STREAMVET_TRUEPEAK_H

enum { SV_TP_TAPS = 32, SV_TP_PHASES = 3, SV_TP_BLOCK = 1024 };

typedef struct sv_truepeak {
  float taps[SV_TP_PHASES][SV_TP_TAPS]; // phase p interpolates at (p+1)/4 between two samples
  float line[SV_TP_TAPS - 1 + SV_TP_BLOCK + 16]; // the last TAPS-1 samples, then new ones
} sv_truepeak;

void sv_truepeak_init(sv_truepeak *t);
float sv_truepeak_feed(sv_truepeak *t, const float *x, int n); // the peak, linear

#endif
