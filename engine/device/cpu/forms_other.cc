//go:build !amd64

// Other processors run the reference bodies for now.
#pragma GCC optimize("fp-contract=off")
#include "cpu.h"
#include <string.h>
#include "../kernels/reference.h"

int sv_form_runs(int form) { return form == SV_FORM_REFERENCE; }

sv_u64 sv_put_scratch(const sv_plan *, const sv_picture *) { return 64; }
void sv_put_begin(const sv_plan *, const sv_picture *, void *) {}
void sv_cpu_put(int, const sv_plan *plan, const sv_picture *p, void *dst, void *) { sv_reference_put_any(*plan, *p, dst); }

sv_u64 sv_measure_scratch(const sv_picture *) { return 64; }
void sv_cpu_measure(int, sv_measures *m, const sv_picture *p, const sv_picture *previous, void *) {
  memset(m, 0, sizeof *m);
  sv_reference_measure(m, *p, previous);
}
