// The measures in the sse2 form.
#include "forms.h"
#include "simd_sse2.h"
#include "measure_strip.h"

void sv_measure_sse2(sv_measures *m, const sv_picture &p, const sv_picture *previous, void *scratch) {
  measure<Sse2>(m, p, previous, (sv_u8 *)scratch);
}

// The other forms carve less or the same.
sv_u64 sv_measure_scratch(const sv_picture *p) {
  Measuring<Sse2> k;
  return carve(k, 0, *p);
}
