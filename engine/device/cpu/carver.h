// Hands out pieces of one allocation; with base null it only counts.
#ifndef SV_CARVER_H
#define SV_CARVER_H
#include "../kernels/types.h"

struct Carver {
  sv_u8 *base;
  sv_u64 used;
  template <class T>
  void take(T *&p, sv_u64 n) {
    p = (T *)((unsigned long)base + used);
    used += (n * sizeof(T) + 63) & ~(sv_u64)63;
  }
};

#endif
