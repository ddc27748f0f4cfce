// The measures in the avx512 form.
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,bmi,bmi2,popcnt")
#include "forms.h"
#include "simd_avx512.h"
#include "measure_strip.h"

void sv_measure_avx512(sv_measures *m, const sv_picture &p, const sv_picture *previous, void *scratch) {
  measure<Avx512>(m, p, previous, (sv_u8 *)scratch);
}
