// The forms of the kernels, for forms.cc to choose from. All expect arguments
// that the Go side has checked, and measures that are zero.
#ifndef SV_FORMS_H
#define SV_FORMS_H
#include "cpu.h"

void sv_measure_sse2(sv_measures *m, const sv_picture &p, const sv_picture *previous, void *scratch);
void sv_measure_avx2(sv_measures *m, const sv_picture &p, const sv_picture *previous, void *scratch);
void sv_measure_avx512(sv_measures *m, const sv_picture &p, const sv_picture *previous, void *scratch);

// False where the plan is beyond the fast forms.
bool sv_put_sse2(const sv_plan &plan, const sv_picture &p, void *dst, void *scratch);
bool sv_put_avx2(const sv_plan &plan, const sv_picture &p, void *dst, void *scratch);
bool sv_put_avx512(const sv_plan &plan, const sv_picture &p, void *dst, void *scratch);

#endif
