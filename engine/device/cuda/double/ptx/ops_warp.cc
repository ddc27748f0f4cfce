// What lanes of a warp and threads of a block do together.
#include "block.h"
#include "ops.h"

namespace ptx {
namespace {

// together makes sure that the lanes named by the operand at k are all here.
bool together(Warp &w, const Instruction &i, int k) {
  const uint32_t *named = w.slot<uint32_t>(i.at[k]);
  int first = __builtin_ctz(w.active);
  if (!w.gather(i, named[first])) return false;
  w.each([&](int l) {
    if (!(named[l] >> l & 1)) w.fault(i, kLaunchFailed, l, "a lane that its own mask does not name");
    if (named[l] != named[first]) w.fault(i, kLaunchFailed, l, "lanes name different masks");
  });
  return true;
}

enum class Shuffle { Up, Down, Butterfly, Index };

// shfl.sync d|p, a, b, c, members. What comes from a lane that is not here is poison.
template <Shuffle S> void shfl(Warp &w, const Instruction &i) {
  if (!together(w, i, 5)) return;
  uint32_t *d = w.slot<uint32_t>(i.at[0]), a[kLanes], in_range = 0;
  memcpy(a, w.slot<uint32_t>(i.at[2]), sizeof a);
  const uint32_t *b = w.slot<uint32_t>(i.at[3]), *c = w.slot<uint32_t>(i.at[4]);
  w.each([&](int l) {
    int segment = c[l] >> 8 & 31, by = b[l] & 31, clamp = c[l] & 31;
    int first = l & segment, last = first | (clamp & ~segment), j = 0;
    if (S == Shuffle::Up) j = l - by;
    if (S == Shuffle::Down) j = l + by;
    if (S == Shuffle::Butterfly) j = l ^ by;
    if (S == Shuffle::Index) j = first | (by & ~segment);
    bool ok = S == Shuffle::Up ? j >= last : j <= last;
    if (!ok) j = l;
    in_range |= (uint32_t)ok << l;
    d[l] = w.active >> j & 1 ? a[j] : 0xCDCDCDCD;
  });
  if (i.at[1] != kNone) set_predicate(w, i.at[1], in_range);
}

uint32_t read_predicate(const Warp &w, const Instruction &i, int k) { return w.predicates[i.at[k]] ^ (i.negated ? UINT32_MAX : 0); }
uint32_t everyone(bool yes) { return yes ? UINT32_MAX : 0; }

// vote.sync p, q, members.
void vote_all(Warp &w, const Instruction &i) {
  if (together(w, i, 2)) set_predicate(w, i.at[0], everyone((read_predicate(w, i, 1) & w.active) == w.active));
}
void vote_any(Warp &w, const Instruction &i) {
  if (together(w, i, 2)) set_predicate(w, i.at[0], everyone(read_predicate(w, i, 1) & w.active));
}
void vote_uniform(Warp &w, const Instruction &i) {
  if (!together(w, i, 2)) return;
  uint32_t yes = read_predicate(w, i, 1) & w.active;
  set_predicate(w, i.at[0], everyone(!yes || yes == w.active));
}
void vote_ballot(Warp &w, const Instruction &i) {
  if (!together(w, i, 2)) return;
  uint32_t *d = w.slot<uint32_t>(i.at[0]), yes = read_predicate(w, i, 1) & w.active;
  w.each([=](int l) { d[l] = yes; });
}

void active_mask(Warp &w, const Instruction &i) {
  uint32_t *d = w.slot<uint32_t>(i.at[0]), here = w.active;
  w.each([=](int l) { d[l] = here; });
}

template <class T> void match_any(Warp &w, const Instruction &i) {
  if (!together(w, i, 2)) return;
  const T *a = w.slot<T>(i.at[1]);
  uint32_t found[kLanes];
  w.each([&](int l) { found[l] = lanes_where(w, [&](int k) { return a[k] == a[l]; }); });
  uint32_t *d = w.slot<uint32_t>(i.at[0]);
  w.each([&](int l) { d[l] = found[l]; });
}

void sync_warp(Warp &w, const Instruction &i) {
  if (together(w, i, 0)) w.time++;
}

void barrier(Warp &w, const Instruction &i) { w.park(Group::AtBarrier, i.index + 1, (uint64_t)i.number); }

// bar.red.op d, barrier, p: runs once to vote and wait, and once more for the result.
enum class Reduce { Count, And, Or };
template <Reduce R> void barrier_reduce(Warp &w, const Instruction &i) {
  Block &b = *w.block;
  if (!w.releasing) {
    b.votes += __builtin_popcount(read_predicate(w, i, 1) & w.active);
    b.voters += __builtin_popcount(w.active);
    return w.park(Group::AtBarrier, i.index + 1, (uint64_t)i.number, &i);
  }
  if (R == Reduce::Count) {
    uint32_t *d = w.slot<uint32_t>(i.at[0]), n = b.votes;
    w.each([=](int l) { d[l] = n; });
  } else set_predicate(w, i.at[0], everyone(R == Reduce::And ? b.votes == b.voters : b.votes > 0));
}

void nothing(Warp &, const Instruction &) {}

} // namespace

void add_warp_ops(Table &t) {
  t["shfl.sync.up.b32"] = {"Swwww", {shfl<Shuffle::Up>}};
  t["shfl.sync.down.b32"] = {"Swwww", {shfl<Shuffle::Down>}};
  t["shfl.sync.bfly.b32"] = {"Swwww", {shfl<Shuffle::Butterfly>}};
  t["shfl.sync.idx.b32"] = {"Swwww", {shfl<Shuffle::Index>}};
  t["vote.sync.all.pred"] = {"Pnw", {vote_all}};
  t["vote.sync.any.pred"] = {"Pnw", {vote_any}};
  t["vote.sync.uni.pred"] = {"Pnw", {vote_uniform}};
  t["vote.sync.ballot.b32"] = {"Wnw", {vote_ballot}};
  t["activemask.b32"] = {"W", {active_mask}};
  t["match.any.sync.b32"] = {"Www", {match_any<uint32_t>}};
  t["match.any.sync.b64"] = {"Wxw", {match_any<uint64_t>}};
  t["bar.warp.sync"] = {"w", {sync_warp}};
  t["bar.sync"] = t["barrier.sync"] = t["barrier.sync.aligned"] = {"i", {barrier}};
  t["bar.red.popc.u32"] = {"Win", {barrier_reduce<Reduce::Count>}};
  t["bar.red.and.pred"] = {"Pin", {barrier_reduce<Reduce::And>}};
  t["bar.red.or.pred"] = {"Pin", {barrier_reduce<Reduce::Or>}};
  for (const char *fence : {"membar.cta", "membar.gl", "membar.sys"}) t[fence] = {"", {nothing}};
  for (const char *order : {"fence.sc", "fence.acq_rel"})
    for (const char *scope : {".cta", ".gpu", ".sys"}) t[std::string(order) + scope] = {"", {nothing}};
}

} // namespace ptx
