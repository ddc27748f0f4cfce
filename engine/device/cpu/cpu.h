/* The C interface of the CPU backend. Nothing here keeps a pointer after it returns. */
#ifndef SV_CPU_H
#define SV_CPU_H
#include "../kernels/types.h"
#ifdef __cplusplus
extern "C" {
#endif

enum sv_form { SV_FORM_REFERENCE = 0, SV_FORM_BASELINE = 1, SV_FORM_AVX2 = 2, SV_FORM_AVX512 = 3, SV_FORMS = 4 };

/* Whether this processor (and this build) runs a form. */
int sv_form_runs(int form);

/* A plan needs scratch of sv_put_scratch bytes, filled by sv_put_begin; both look
   at the geometry of p only. sv_cpu_put then converts p into the tensor's row at dst. */
sv_u64 sv_put_scratch(const struct sv_plan *plan, const struct sv_picture *p);
void sv_put_begin(const struct sv_plan *plan, const struct sv_picture *p, void *scratch);
void sv_cpu_put(int form, const struct sv_plan *plan, const struct sv_picture *p, void *dst, void *scratch);

/* Measures p against previous (may be null, else of the same geometry) into m,
   with scratch of sv_measure_scratch bytes. */
void sv_cpu_measure(int form, struct sv_measures *m, const struct sv_picture *p, const struct sv_picture *previous, void *scratch);
sv_u64 sv_measure_scratch(const struct sv_picture *p);

#ifdef __cplusplus
}
#endif
#endif
