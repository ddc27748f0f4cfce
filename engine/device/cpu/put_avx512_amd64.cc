// The conversion in the avx512 form.
#pragma GCC optimize("fp-contract=off")
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,bmi,bmi2,popcnt")
#include "forms.h"
#include "simd_avx512.h"
#include "put.h"

bool sv_put_avx512(const sv_plan &plan, const sv_picture &p, void *dst, void *scratch) {
  return put<Avx512>(plan, p, dst, scratch);
}
