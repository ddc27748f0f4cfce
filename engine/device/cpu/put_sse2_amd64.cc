// The conversion in the sse2 form.
#pragma GCC optimize("fp-contract=off")
#include "forms.h"
#include "simd_sse2.h"
#include "put.h"

bool sv_put_sse2(const sv_plan &plan, const sv_picture &p, void *dst, void *scratch) {
  return put<Sse2>(plan, p, dst, scratch);
}

// Tables and buffers are the same in every form.
sv_u64 sv_put_scratch(const sv_plan *plan, const sv_picture *p) {
  PutState *s;
  return put_carve(s, 0, *plan, *p);
}
void sv_put_begin(const sv_plan *plan, const sv_picture *p, void *scratch) { put_begin((sv_u8 *)scratch, *plan, *p); }
