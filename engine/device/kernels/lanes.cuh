// What the threads of a GPU have beyond the language: their places, sums over
// the lanes of a warp, adds that many threads do at once, and arithmetic on four
// samples in a word. All of it is one or two instructions on every GPU from
// compute capability 7.5 on, and exact.
#ifndef SV_LANES_CUH
#define SV_LANES_CUH
#include "sample.h"

#define SV_GPU SV_HD  // of what a host cannot compile
#define SV_SHARED static __attribute__((shared))
#define SV_UNROLL _Pragma("unroll")  // loops stay rolled else; what they index would lie in memory

typedef sv_u32 sv_four;  // four samples of 8 bits, the left one in the low byte
typedef sv_u32 sv_sixteen __attribute__((ext_vector_type(4)));

enum : sv_u32 { SV_ALL = 0xffffffffu, SV_ONES = 0x01010101u, SV_LOW7 = 0x7f7f7f7fu, SV_TOP = 0x80808080u };

SV_GPU sv_i32 sv_thread_x() { return (sv_i32)__nvvm_read_ptx_sreg_tid_x(); }
SV_GPU sv_i32 sv_thread_y() { return (sv_i32)__nvvm_read_ptx_sreg_tid_y(); }
SV_GPU sv_i32 sv_threads_x() { return (sv_i32)__nvvm_read_ptx_sreg_ntid_x(); }
SV_GPU sv_i32 sv_threads_y() { return (sv_i32)__nvvm_read_ptx_sreg_ntid_y(); }
SV_GPU sv_i32 sv_group_x() { return (sv_i32)__nvvm_read_ptx_sreg_ctaid_x(); }
SV_GPU sv_i32 sv_group_y() { return (sv_i32)__nvvm_read_ptx_sreg_ctaid_y(); }
SV_GPU sv_i32 sv_group_z() { return (sv_i32)__nvvm_read_ptx_sreg_ctaid_z(); }

// The value of the lane whose number differs in these bits.
SV_GPU sv_u32 sv_across(sv_u32 v, sv_i32 bits) { return (sv_u32)__nvvm_shfl_sync_bfly_i32(SV_ALL, (sv_i32)v, bits, 31); }
SV_GPU sv_u32 sv_from(sv_u32 v, sv_i32 lane) { return (sv_u32)__nvvm_shfl_sync_idx_i32(SV_ALL, (sv_i32)v, lane, 31); }
SV_GPU bool sv_any(bool v) { return __nvvm_vote_any_sync(SV_ALL, v); }
// In how many lanes v is true.
SV_GPU sv_u32 sv_count(bool v) { return (sv_u32)__builtin_popcount(__nvvm_vote_ballot_sync(SV_ALL, v)); }

// The sum over groups of lanes, in every lane: of those whose numbers differ in
// the bits from `low` to below `high`, both powers of two.
SV_GPU sv_u32 sv_sum(sv_u32 v, sv_i32 low, sv_i32 high) {
  SV_UNROLL for (sv_i32 bit = low; bit < high; bit *= 2) v += sv_across(v, bit);
  return v;
}

// An add of many threads to one place in shared memory; sv_add is that in global memory.
#define SV_IN_SHARED(p) ((__attribute__((address_space(3))) sv_u32 *)(p))
SV_GPU void sv_gather(sv_u32 *p, sv_u32 v) { asm volatile("red.shared.add.u32 [%0], %1;" ::"l"(SV_IN_SHARED(p)), "r"(v) : "memory"); }

// Bytes of the pair (a, b), a the lower word; a selector of 8 and more repeats the
// byte's top bit.
SV_GPU sv_u32 sv_pick(sv_u32 a, sv_u32 b, sv_u32 selectors) { return (sv_u32)__nvvm_prmt((sv_i32)a, (sv_i32)b, (sv_i32)selectors); }

// |a - b| of each sample.
SV_GPU sv_four sv_apart(sv_four a, sv_four b) {
  sv_four d;
  asm("vabsdiff4.u32.u32.u32 %0, %1, %2, %3;" : "=r"(d) : "r"(a), "r"(b), "r"(0));
  return d;
}
// sum + a[0]*b[0] + ... + a[3]*b[3]; sv_weigh with signed weights.
SV_GPU sv_u32 sv_dot(sv_four a, sv_four b, sv_u32 sum) {
  sv_u32 d;
  asm("dp4a.u32.u32 %0, %1, %2, %3;" : "=r"(d) : "r"(a), "r"(b), "r"(sum));
  return d;
}
SV_GPU sv_i32 sv_weigh(sv_four a, sv_u32 weights, sv_i32 sum) {
  sv_i32 d;
  asm("dp4a.u32.s32 %0, %1, %2, %3;" : "=r"(d) : "r"(a), "r"(weights), "r"(sum));
  return d;
}
// sum + |v|
SV_GPU sv_u32 sv_add_abs(sv_i32 v, sv_u32 sum) {
  sv_u32 d;
  asm("sad.s32 %0, %1, %2, %3;" : "=r"(d) : "r"(v), "r"(0), "r"(sum));
  return d;
}

// The top bit of each sample tells whether it is beyond k, which is below 127;
// the other bits are noise.
SV_GPU sv_u32 sv_beyond(sv_four a, sv_u32 k) { return ((a & SV_LOW7) + (127 - k) * SV_ONES) | a; }
// All bits of each byte are its top bit.
SV_GPU sv_u32 sv_spread(sv_u32 tops) { return sv_pick(tops, 0, 0xba98); }
// b where mask is set, else a.
SV_GPU sv_u32 sv_select(sv_u32 a, sv_u32 b, sv_u32 mask) { return (a & ~mask) | (b & mask); }
SV_GPU sv_four sv_at_most(sv_four a, sv_u32 k) { return sv_select(a, k * SV_ONES, sv_spread(sv_beyond(a, k))); }
// All bits of each byte tell whether a >= b.
SV_GPU sv_u32 sv_not_below(sv_four a, sv_four b) {
  sv_u32 low = (a | SV_TOP) - (b & SV_LOW7);  // top bits: of the lower seven bits alone
  return sv_spread((a & ~b) | (~(a ^ b) & low));
}
SV_GPU sv_four sv_least(sv_four a, sv_four b) { return sv_select(a, b, sv_not_below(a, b)); }
SV_GPU sv_four sv_most(sv_four a, sv_four b) { return sv_select(b, a, sv_not_below(a, b)); }

// The bytes of a word at position x that lie in [a, b).
SV_GPU sv_u32 sv_within(sv_i32 x, sv_i32 a, sv_i32 b) {
  sv_i32 skip = a - x, end = b - x;
  sv_u32 mask = skip <= 0 ? SV_ALL : skip >= 4 ? 0 : SV_ALL << (8 * skip);
  return end >= 4 ? mask : end <= 0 ? 0 : mask & ~(SV_ALL << (8 * end));
}

#endif
