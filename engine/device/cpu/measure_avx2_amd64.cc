// The measures in the avx2 form.
#pragma GCC target("avx2,bmi,bmi2,popcnt")
#include "forms.h"
#include "simd_avx2.h"
#include "measure_strip.h"

void sv_measure_avx2(sv_measures *m, const sv_picture &p, const sv_picture *previous, void *scratch) {
  measure<Avx2>(m, p, previous, (sv_u8 *)scratch);
}
