#include "block.h"

#include <algorithm>

namespace ptx {

namespace {
constexpr uint8_t kPoison = 0xCD;
size_t rounded(size_t n, size_t to) { return (n + to - 1) / to * to; }
} // namespace

Block::Block(const Launch &l) : launch(l), kernel(*l.kernel) {
  size_t count = rounded(l.block.count(), kLanes) / kLanes;
  spread = rounded(kernel.file_bytes, 64);
  files.resize(count * spread + 64);
  predicates.resize(count * kernel.predicates);
  shared.resize(l.dynamic_shared ? rounded(kernel.shared_bytes, 16) + l.dynamic_shared : kernel.shared_bytes);
  races.resize(shared.size());
  local.resize(count * kLanes * kernel.local_bytes);
  ranges.resize(kernel.code.size());
  warps.resize(count);
  uint8_t *first = files.data() + (64 - (uintptr_t)files.data() % 64) % 64;
  for (size_t i = 0; i < count; i++) {
    Warp &w = warps[i];
    w.number = (int)i;
    w.block = this;
    w.file = first + i * spread;
    w.predicates = predicates.data() + i * kernel.predicates;
  }
  fill_constants();
}

template <class F> static void fill(Warp &w, uint32_t at, bool wide, F value) {
  for (int l = 0; l < kLanes; l++) {
    if (wide) w.slot<uint64_t>(at)[l] = value(l);
    else w.slot<uint32_t>(at)[l] = (uint32_t)value(l);
  }
}

void Block::fill_constants() {
  for (Warp &w : warps) {
    for (const Constant &c : kernel.constants) fill(w, c.at, c.wide, [&](int) { return c.bits; });
    if (kernel.never != kNone) w.predicates[kernel.never] = 0;
    if (kernel.always != kNone) w.predicates[kernel.always] = UINT32_MAX;
  }
}

void Block::fill_specials(Warp &w) {
  const Dim b = launch.block, g = launch.grid;
  auto value = [&](Special s, int l) -> uint64_t {
    uint32_t t = (uint32_t)(w.number * kLanes + l);
    switch (s) {
    case Special::TidX: return t % b.x;
    case Special::TidY: return t / b.x % b.y;
    case Special::TidZ: return t / b.x / b.y;
    case Special::NtidX: return b.x;
    case Special::NtidY: return b.y;
    case Special::NtidZ: return b.z;
    case Special::CtaidX: return place.x;
    case Special::CtaidY: return place.y;
    case Special::CtaidZ: return place.z;
    case Special::NctaidX: return g.x;
    case Special::NctaidY: return g.y;
    case Special::NctaidZ: return g.z;
    case Special::LaneId: return l;
    case Special::WarpId: return w.number;
    case Special::WarpCount: return warps.size();
    case Special::LanemaskEq: return 1u << l;
    case Special::LanemaskLt: return (1u << l) - 1;
    case Special::LanemaskLe: return (2u << l) - 1;
    case Special::LanemaskGt: return ~((2u << l) - 1);
    case Special::LanemaskGe: return ~((1u << l) - 1);
    case Special::Clock: return 0;
    }
    return 0;
  };
  for (const SpecialUse &s : kernel.specials) fill(w, s.at, s.wide, [&](int l) { return value(s.what, l); });
}

void Block::run(uint64_t index) {
  const Dim g = launch.grid;
  place = {(uint32_t)(index % g.x), (uint32_t)(index / g.x % g.y), (uint32_t)(index / g.x / g.y)};
  std::fill(shared.begin(), shared.end(), kPoison);
  races.barrier();
  uint64_t threads = launch.block.count();
  for (Warp &w : warps) {
    uint64_t here = threads - w.number * kLanes;
    fill_specials(w);
    w.start(here >= kLanes ? UINT32_MAX : (1u << here) - 1, 0);
  }
  do {
    // Warps run one after the other up to a barrier, in this order or that, so that a
    // missing barrier shows.
    for (size_t i = 0; i < warps.size(); i++) warps[index % 2 ? warps.size() - 1 - i : i].run();
  } while (release_barrier());
}

// release_barrier lets the threads go on if all living ones wait at the same barrier;
// false when none lives.
bool Block::release_barrier() {
  const Group *first = nullptr;
  for (const Warp &w : warps) {
    if (w.waits_for_lanes()) throw Fault(kLaunchFailed, kernel.name + ": lanes wait for lanes of their warp that never come");
    for (const Group &g : w.others) {
      if (!first) first = &g;
      if (g.barrier != first->barrier) throw Fault(kLaunchFailed, kernel.name + ": threads of one block wait at different barriers");
    }
  }
  if (!first) return false;
  for (Warp &w : warps) w.release();
  races.barrier();
  votes = voters = 0;
  return true;
}

uint64_t Block::executed() const {
  uint64_t n = 0;
  for (const Warp &w : warps) n += w.executed;
  return n;
}

std::string Block::thread(int warp, int lane) const {
  const Dim b = launch.block;
  uint32_t t = (uint32_t)(warp * kLanes + lane);
  auto three = [](uint32_t x, uint32_t y, uint32_t z) { return "(" + std::to_string(x) + "," + std::to_string(y) + "," + std::to_string(z) + ")"; };
  return "block " + three(place.x, place.y, place.z) + " thread " + three(t % b.x, t / b.x % b.y, t / b.x / b.y);
}

} // namespace ptx
