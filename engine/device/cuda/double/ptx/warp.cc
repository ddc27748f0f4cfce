#include "warp.h"

#include "block.h"

namespace ptx {

void Warp::start(uint32_t lanes, uint32_t entry) {
  others.clear();
  others.push_back({entry, lanes});
  running = false;
}

uint32_t Warp::alive() const {
  uint32_t lanes = running ? mask : 0;
  for (const Group &g : others) lanes |= g.mask;
  return lanes;
}

bool Warp::waits_for_lanes() const {
  for (const Group &g : others)
    if (g.state == Group::WaitsForLanes) return true;
  return false;
}

// pick makes the ready group with the lowest pc the current one, together with all
// others that are there.
bool Warp::pick() {
  uint32_t lowest = UINT32_MAX;
  for (const Group &g : others)
    if (g.state == Group::Ready && g.pc < lowest) lowest = g.pc;
  if (lowest == UINT32_MAX) return false;
  pc = lowest, mask = 0;
  for (size_t i = 0; i < others.size();) {
    if (others[i].pc == pc && others[i].state != Group::AtBarrier) {
      mask |= others[i].mask;
      others[i] = others.back();
      others.pop_back();
    } else i++;
  }
  return true;
}

void Warp::run() {
  const Instruction *code = block->kernel.code.data();
  while (pick()) {
    running = true;
    do {
      const Instruction &i = code[pc++];
      active = mask;
      if (i.guard != kNone) {
        active &= i.guard_negated ? ~predicates[i.guard] : predicates[i.guard];
        if (!active) continue;
      }
      if (i.counts) executed += __builtin_popcount(active);
      i.run(*this, i);
    } while (running);
  }
}

// yield lets a group that is behind run, or meet this one.
void Warp::yield() {
  for (const Group &g : others) {
    if ((g.state == Group::Ready && g.pc <= pc) || (g.state == Group::WaitsForLanes && g.pc == pc)) {
      others.push_back({pc, mask});
      running = false;
      return;
    }
  }
}

void Warp::branch(uint32_t target) {
  if (active == mask) {
    pc = target;
  } else {
    others.push_back({pc, mask & ~active});
    mask = active;
    pc = target;
  }
  if (executed > block->launch.budget) throw Fault(kTimeout, block->kernel.name + " runs without an end");
  yield();
}

void Warp::meet() { yield(); }

void Warp::end_active() {
  mask &= ~active;
  if (!mask) running = false;
}

void Warp::park(Group::State state, uint32_t where, uint64_t barrier, const Instruction *reduce) {
  others.push_back({where, active, state, barrier, reduce});
  mask &= ~active;
  if (mask) others.push_back({pc, mask});
  running = false;
}

// gather makes sure that all living lanes of members are here. If some are not, the
// lanes here wait at this instruction and others run on.
bool Warp::gather(const Instruction &i, uint32_t members) {
  for (size_t k = 0; k < others.size();) {
    if (others[k].state == Group::WaitsForLanes && others[k].pc == i.index) {
      active |= others[k].mask, mask |= others[k].mask;
      others[k] = others.back();
      others.pop_back();
    } else k++;
  }
  uint32_t missing = members & alive() & ~active;
  if (!missing) return true;
  park(Group::WaitsForLanes, i.index);
  return false;
}

void Warp::release() {
  for (Group &g : others) {
    if (g.state != Group::AtBarrier) continue;
    g.state = Group::Ready;
    if (!g.reduce) continue;
    active = g.mask;
    releasing = true;
    g.reduce->run(*this, *g.reduce); // once more, now for the result
    releasing = false;
    g.reduce = nullptr;
  }
}

uint8_t *Warp::address(const Instruction &i, uint64_t a, size_t size, int lane) {
  if (a & (size - 1)) fault(i, kMisaligned, lane, "misaligned access of " + std::to_string(size) + " bytes");
  if (i.space != Space::Global && i.space != Space::Const)
    if (uint8_t *p = windowed(i, a, size, lane)) return p;
  Range &r = block->ranges[i.index];
  if (a - r.base < r.size && r.size - (a - r.base) >= size) return reinterpret_cast<uint8_t *>(a);
  r = block->launch.lookup(a);
  if (a - r.base < r.size && r.size - (a - r.base) >= size) return reinterpret_cast<uint8_t *>(a);
  fault(i, kIllegalAddress, lane, "access outside every allocation");
}

// windowed is for shared and local memory; null if the address is of neither and may be generic.
uint8_t *Warp::windowed(const Instruction &i, uint64_t a, size_t size, int lane) {
  auto inside = [&](uint64_t base, size_t extent) { return a >= base && a - base < extent && extent - (a - base) >= size; };
  if (i.space != Space::Local && inside(kSharedBase, block->shared.size())) return in_shared(i, a - kSharedBase, size, lane);
  size_t mine = block->local_bytes();
  if (i.space != Space::Shared && inside(kLocalBase, mine))
    return block->local.data() + (size_t)(number * kLanes + lane) * mine + (a - kLocalBase);
  if (i.space == Space::Shared) fault(i, kIllegalAddress, lane, "access outside shared memory");
  if (i.space == Space::Local) fault(i, kIllegalAddress, lane, "access outside local memory");
  return nullptr;
}

uint8_t *Warp::in_shared(const Instruction &i, size_t at, size_t size, int lane) {
  Moment now;
  now.warp_time = time, now.instruction = i.index, now.thread = number * kLanes + lane;
  if (!block->races.touch(i.access, at, size, now)) fault(i, kLaunchFailed, lane, "a race in shared memory with another thread: no barrier between");
  return block->shared.data() + at;
}

void Warp::fault(const Instruction &i, int code, int lane, const std::string &what) const {
  throw Fault(code, block->kernel.name + ", line " + std::to_string(i.line) + " of the PTX, " + block->thread(number, lane) + ": " + what);
}

} // namespace ptx
