// Which form of a kernel runs: chosen once by the Go side, tried here.
#include "forms.h"
#include <string.h>
#include "../kernels/reference.h"
#pragma GCC optimize("fp-contract=off")

int sv_form_runs(int form) {
  return form == SV_FORM_REFERENCE;
}

void sv_cpu_put(int form, const sv_plan *plan, const sv_picture *p, void *dst, void *scratch) {
  (void)form; (void)scratch;
  switch (plan->type) {
    case SV_U8: sv_reference_put(*plan, *p, (sv_u8 *)dst); break;
    case SV_F16: sv_reference_put(*plan, *p, (sv_u16 *)dst); break;
    default: sv_reference_put(*plan, *p, (float *)dst); break;
  }
}
sv_u64 sv_put_scratch(const sv_plan *, int, int) { return 64; }

void sv_cpu_measure(int form, sv_measures *m, const sv_picture *p, const sv_picture *previous, void *scratch) {
  (void)form; (void)scratch;
  memset(m, 0, sizeof *m);
  sv_reference_measure(m, *p, previous);
}
sv_u64 sv_measure_scratch(int, int) { return 64; }
