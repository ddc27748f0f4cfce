#include "race.h"

namespace ptx {
namespace {

constexpr int kLanesOfWarp = 32;

// ordered tells whether what happened before is over for the thread of now.
bool ordered(const Moment &before, const Moment &now) {
  if (before.block_time != now.block_time) return true; // never, or before a barrier
  if (before.thread == now.thread) return true;
  return before.warp == now.warp && before.warp_time < now.warp_time;
}

// One store of several lanes to one place: any of them may win, and the program knows.
bool together(const Moment &before, const Moment &now) {
  return before.warp == now.warp && before.instruction == now.instruction && before.warp_time == now.warp_time;
}

} // namespace

bool Races::touch(Access a, Cell &c, const Moment &now) const {
  bool free = ordered(c.write, now) || (a == Access::Atomic && c.atomic) || (a == Access::Write && together(c.write, now));
  if (a == Access::Read) {
    bool joins = c.read.block_time == now.block_time && c.read.thread != now.thread && !ordered(c.read, now);
    bool same_warp = c.read.warp == now.warp;
    c.read = now;
    if (joins) c.read.thread = -1, c.read.warp = same_warp ? now.warp : -1;
    return free;
  }
  free = free && ordered(c.read, now);
  c.write = now;
  c.atomic = a == Access::Atomic;
  return free;
}

bool Races::touch(Access a, size_t at, size_t bytes, Moment now) {
  now.block_time = block_time;
  now.warp = now.thread / kLanesOfWarp;
  bool free = true;
  for (size_t k = at; k < at + bytes; k++) free &= touch(a, cells[k], now);
  return free;
}

} // namespace ptx
