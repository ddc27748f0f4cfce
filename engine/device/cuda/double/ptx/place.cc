// Where registers lie. Compilers give every value a register of its own; here those that never
// live at the same time share a place, so that a warp's file stays in the first cache.
#include <algorithm>

#include "decode.h"

namespace ptx {
namespace {

using Bits = std::vector<uint64_t>;

class Liveness {
public:
  explicit Liveness(const Draft &d) : d(d), words(d.registers.size() / 64 + 1), first(d.registers.size(), kNone), last(d.registers.size(), 0) {
    find_blocks();
    std::vector<Bits> live(starts.size(), Bits(words)); // at the start of each block
    for (bool changed = true; changed;) {
      changed = false;
      for (size_t b = starts.size(); b-- > 0;) {
        Bits now = through(b, live);
        if (now != live[b]) live[b] = std::move(now), changed = true;
      }
    }
    marking = true;
    for (size_t b = 0; b < starts.size(); b++) through(b, live);
  }

  // The stretch of instructions in which a register lives somewhere; first is kNone if nowhere.
  uint32_t from(uint32_t v) const { return first[v]; }
  uint32_t to(uint32_t v) const { return last[v]; }

private:
  const Draft &d;
  size_t words;
  std::vector<uint32_t> first, last;
  std::vector<size_t> starts;     // of blocks
  std::vector<size_t> block_of;   // by instruction
  bool marking = false;

  size_t count() const { return d.kernel.code.size(); }

  void find_blocks() {
    std::vector<bool> leads(count() + 1);
    leads[0] = true;
    for (size_t i = 0; i < count(); i++) {
      if (d.flow[i] == Flow::On) continue;
      leads[i + 1] = true;
      if (d.flow[i] == Flow::Branch) leads[d.kernel.code[i].number] = true;
    }
    block_of.resize(count());
    for (size_t i = 0; i < count(); i++) {
      if (leads[i]) starts.push_back(i);
      block_of[i] = starts.size() - 1;
    }
  }

  // through goes backwards through a block and gives what lives at its start.
  Bits through(size_t b, const std::vector<Bits> &live) {
    size_t end = b + 1 < starts.size() ? starts[b + 1] : count();
    Bits now(words);
    auto join = [&](size_t block) {
      for (size_t k = 0; k < words; k++) now[k] |= live[block][k];
    };
    const Instruction &leaves = d.kernel.code[end - 1];
    if (d.flow[end - 1] == Flow::Branch) join(block_of[leaves.number]);
    if ((d.flow[end - 1] == Flow::On || leaves.guard != kNone) && end < count()) join(block_of[end]);
    mark(now, end - 1);
    for (size_t i = end; i-- > starts[b];) step(now, i);
    return now;
  }

  void step(Bits &now, size_t i) {
    const Instruction &in = d.kernel.code[i];
    for (Use u : d.uses[i]) {
      uint32_t v = in.at[u.operand];
      if (u.write) touch(v, i);
      if (u.write && in.guard == kNone) now[v / 64] &= ~(1ull << v % 64);
    }
    for (Use u : d.uses[i])
      if (!u.write || in.guard != kNone) now[in.at[u.operand] / 64] |= 1ull << in.at[u.operand] % 64;
    mark(now, i);
  }

  void touch(uint32_t v, size_t i) {
    if (!marking) return;
    first[v] = std::min(first[v], (uint32_t)i);
    last[v] = std::max(last[v], (uint32_t)i);
  }

  void mark(const Bits &now, size_t i) {
    if (!marking) return;
    for (size_t k = 0; k < words; k++)
      for (uint64_t m = now[k]; m; m &= m - 1) touch((uint32_t)(k * 64 + __builtin_ctzll(m)), i);
  }
};

// Places of one width. A place is free again after the last instruction of who had it.
class Pool {
public:
  explicit Pool(size_t bytes) : bytes(bytes) {}
  uint32_t take(uint32_t from, uint32_t to, size_t &file) {
    for (auto &[at, until] : places)
      if (until < from) return until = to, at;
    places.push_back({(uint32_t)file, to});
    file += bytes;
    return places.back().first;
  }

private:
  size_t bytes;
  std::vector<std::pair<uint32_t, uint32_t>> places; // where, and taken until which instruction
};

} // namespace

void place(Draft &d) {
  Kernel &k = d.kernel;
  Liveness live(d);
  std::vector<uint32_t> at(d.registers.size(), 0), order;
  for (uint32_t v = 0; v < at.size(); v++) {
    const Virtual &r = d.registers[v];
    if (r.kind == Virtual::Plain) {
      if (live.from(v) != kNone) order.push_back(v);
      continue;
    }
    at[v] = (uint32_t)k.file_bytes;
    k.file_bytes += kLanes * (r.wide ? 8 : 4);
    if (r.kind == Virtual::IsConstant) k.constants.push_back({at[v], r.wide, r.bits});
    else k.specials.push_back({at[v], r.wide, r.special});
  }
  std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) { return live.from(a) < live.from(b); });
  Pool narrow(kLanes * 4), wide(kLanes * 8);
  for (uint32_t v : order) at[v] = (d.registers[v].wide ? wide : narrow).take(live.from(v), live.to(v), k.file_bytes);
  for (size_t i = 0; i < k.code.size(); i++)
    for (Use u : d.uses[i]) k.code[i].at[u.operand] = at[k.code[i].at[u.operand]];
}

} // namespace ptx
