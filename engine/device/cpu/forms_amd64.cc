// Which form of a kernel runs. The Go side chooses it once.
#pragma GCC optimize("fp-contract=off")
#include "forms.h"
#include <string.h>
#include "../kernels/reference.h"

int sv_form_runs(int form) {
  __builtin_cpu_init();
  switch (form) {
    case SV_FORM_REFERENCE: case SV_FORM_BASELINE: return 1;
    case SV_FORM_AVX2:
      return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("popcnt");
    case SV_FORM_AVX512:
      return sv_form_runs(SV_FORM_AVX2) && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
             __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vnni");
  }
  return 0;
}

void sv_cpu_put(int form, const sv_plan *plan, const sv_picture *p, void *dst, void *scratch) {
  bool done = false;
  switch (form) {
    case SV_FORM_AVX512: done = sv_put_avx512(*plan, *p, dst, scratch); break;
    case SV_FORM_AVX2: done = sv_put_avx2(*plan, *p, dst, scratch); break;
    case SV_FORM_BASELINE: done = sv_put_sse2(*plan, *p, dst, scratch); break;
  }
  if (!done) sv_reference_put_any(*plan, *p, dst);
}

void sv_cpu_measure(int form, sv_measures *m, const sv_picture *p, const sv_picture *previous, void *scratch) {
  memset(m, 0, sizeof *m);
  switch (form) {
    case SV_FORM_AVX512: sv_measure_avx512(m, *p, previous, scratch); break;
    case SV_FORM_AVX2: sv_measure_avx2(m, *p, previous, scratch); break;
    case SV_FORM_BASELINE: sv_measure_sse2(m, *p, previous, scratch); break;
    default: sv_reference_measure(m, *p, previous); break;
  }
}
