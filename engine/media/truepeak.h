// Inter-sample peaks as in ITU-R BS.1770-4 annex 2: the signal is interpolated to
// four times its rate, and the highest absolute value counts.
#ifndef STREAMVET_TRUEPEAK_H
#define STREAMVET_TRUEPEAK_H

enum { SVM_TP_TAPS = 32, SVM_TP_PHASES = 3, SVM_TP_BLOCK = 1024 };

typedef struct svm_truepeak {
  float taps[SVM_TP_PHASES][SVM_TP_TAPS]; // phase p interpolates at (p+1)/4 between two samples
  float line[SVM_TP_TAPS - 1 + SVM_TP_BLOCK + 16]; // the last TAPS-1 samples, then new ones
} svm_truepeak;

void svm_truepeak_init(svm_truepeak *t);
float svm_truepeak_feed(svm_truepeak *t, const float *x, int n); // the peak, linear

#endif
