// The conversion in the avx2 form.
#pragma GCC optimize("fp-contract=off")
#pragma GCC target("avx2,bmi,bmi2,popcnt")
#include "forms.h"
#include "simd_avx2.h"
#include "put.h"

bool sv_put_avx2(const sv_plan &plan, const sv_picture &p, void *dst, void *scratch) {
  return put<Avx2>(plan, p, dst, scratch);
}
