// Copies and fills.
#include "driver.h"

#include <algorithm>
#include <cstring>

namespace {

enum class Way { ToDevice, ToHost, OnDevice, OnHost };
constexpr size_t kBig = 4096; // a copy of so much may hold pixels

void count_copy(Way way, size_t bytes) {
  static const char *const names[] = {"to_device", "to_host", "on_device", "on_host"};
  std::string name = names[(int)way];
  count(name + ".calls");
  count(name + ".bytes", bytes);
  if (bytes >= kBig) count(name + ".big");
}

Way way_of(Address to, Address from) {
  if (is_device(to)) return is_device(from) ? Way::OnDevice : Way::ToDevice;
  return is_device(from) ? Way::ToHost : Way::OnHost;
}

// A rectangle of rows; a plain copy is one row.
struct Rows {
  Address to, from;
  size_t to_pitch, from_pitch, width, height;
  size_t to_bytes() const { return height ? (height - 1) * to_pitch + width : 0; }
  size_t from_bytes() const { return height ? (height - 1) * from_pitch + width : 0; }
};

void move(const Rows &r) {
  for (size_t y = 0; y < r.height; y++) memmove((void *)(r.to + y * r.to_pitch), (const void *)(r.from + y * r.from_pitch), r.width);
}

bool writes_device(Way w) { return w == Way::ToDevice || w == Way::OnDevice; }
bool reads_device(Way w) { return w == Way::ToHost || w == Way::OnDevice; }

Result check_sides(const Call &call, Way way, const Rows &r) {
  if (writes_device(way) && !find_device(r.to, r.to_bytes())) return call.fail(kInvalidValue, "the destination is not all in device memory");
  if (reads_device(way) && !find_device(r.from, r.from_bytes())) return call.fail(kInvalidValue, "the source is not all in device memory");
  bool mistaken = (way == Way::ToDevice && is_device(r.from)) || (way == Way::ToHost && is_device(r.to));
  return mistaken ? call.fail(kInvalidValue, "the host's side is device memory") : kSuccess;
}

// held gives the table of device memory, which keeps it mapped, if all of a place is still in it when work gets
// there; null if it was freed.
std::shared_ptr<const Allocations> held(Address at, size_t bytes) {
  Lock lock(state);
  return find_device(at, bytes) ? device_memory() : nullptr;
}

Result run_copy(Way way, const Rows &r) {
  std::shared_ptr<const Allocations> to, from;
  if (writes_device(way) && !(to = held(r.to, r.to_bytes()))) return kIllegalAddressError;
  if (reads_device(way) && !(from = held(r.from, r.from_bytes()))) return kIllegalAddressError;
  move(r);
  return kSuccess;
}

// copy queues r on s. What the host may touch when the call returns depends on its memory: of pageable
// memory the driver has taken or written everything then, of pinned memory nothing.
Result copy(Call &call, Way way, Rows r, void *handle, bool wait) {
  auto s = stream_of(handle, call.context);
  if (!s) return call.fail(kInvalidHandle);
  if (!r.width || !r.height) return kSuccess;
  if (Result bad = check_sides(call, way, r)) return bad;
  count_copy(way, r.width * r.height);
  bool pinned_from = is_pinned(r.from, r.from_bytes()), pinned_to = is_pinned(r.to, r.to_bytes());
  if (way == Way::ToDevice && !pinned_from) {
    auto staged = std::make_shared<std::vector<uint8_t>>(r.width * r.height);
    move({(Address)staged->data(), r.from, r.width, r.from_pitch, r.width, r.height});
    r.from = (Address)staged->data(), r.from_pitch = r.width;
    push(s, {[=] { return (void)staged, run_copy(way, r); }, nullptr, nullptr});
  } else {
    push(s, {[=] { return run_copy(way, r); }, nullptr, nullptr});
  }
  if (!wait && !(way == Way::ToHost && !pinned_to)) return kSuccess;
  count("waits");
  return finish(call.lock, s);
}

Result plain(const char *name, int way, Address to, Address from, size_t bytes, void *stream, bool wait) {
  Call call(name);
  if (call.refused) return call.refused;
  return copy(call, way < 0 ? way_of(to, from) : (Way)way, {to, from, bytes, bytes, bytes, 1}, stream, wait);
}

// CUDA_MEMCPY2D
struct Copy2D {
  size_t from_x, from_y;
  int from_type;
  const void *from_host;
  Address from_device;
  void *from_array;
  size_t from_pitch;
  size_t to_x, to_y;
  int to_type;
  void *to_host;
  Address to_device;
  void *to_array;
  size_t to_pitch;
  size_t width, height;
};
static_assert(sizeof(Copy2D) == 128, "CUDA_MEMCPY2D has 128 bytes");
constexpr int kHostType = 1, kDeviceType = 2, kUnifiedType = 4;

Result copy_2d(const char *name, const Copy2D *c, void *stream, bool wait) {
  Call call(name);
  if (call.refused) return call.refused;
  auto linear = [](int t) { return t == kHostType || t == kDeviceType || t == kUnifiedType; };
  if (!c || !linear(c->from_type) || !linear(c->to_type)) return call.fail(kInvalidValue, "only copies between linear memory");
  bool narrow = c->from_pitch < c->from_x + c->width || c->to_pitch < c->to_x + c->width;
  if (c->height > 1 && narrow) return call.fail(kInvalidValue, "a pitch is smaller than a row");
  Rows r{(c->to_type == kHostType ? (Address)c->to_host : c->to_device) + c->to_y * c->to_pitch + c->to_x,
         (c->from_type == kHostType ? (Address)c->from_host : c->from_device) + c->from_y * c->from_pitch + c->from_x,
         c->to_pitch, c->from_pitch, c->width, c->height};
  return copy(call, way_of(r.to, r.from), r, stream, wait);
}

template <class V> Result fill(const char *name, Address to, V v, size_t n, void *stream, bool wait) {
  Call call(name);
  if (call.refused) return call.refused;
  auto s = stream_of(stream, call.context);
  if (!s) return call.fail(kInvalidHandle);
  if (!n) return kSuccess;
  if (to % sizeof(V) || !find_device(to, n * sizeof(V))) return call.fail(kInvalidValue, "not all in device memory");
  push(s, {[=] {
             auto there = held(to, n * sizeof(V));
             if (there) std::fill_n((V *)to, n, v);
             return there ? kSuccess : kIllegalAddressError;
           },
           nullptr, nullptr});
  return wait ? finish(call.lock, s) : kSuccess;
}

} // namespace

#define COPY(NAME, WAY)                                                                                                      \
  API Result cuMemcpy##NAME##_v2(Address to, Address from, size_t n) { return plain(__func__, (int)WAY, to, from, n, nullptr, true); } \
  API Result cuMemcpy##NAME##Async_v2(Address to, Address from, size_t n, void *s) { return plain(__func__, (int)WAY, to, from, n, s, false); }
COPY(HtoD, Way::ToDevice)
COPY(DtoH, Way::ToHost)
COPY(DtoD, Way::OnDevice)
API Result cuMemcpy(Address to, Address from, size_t n) { return plain(__func__, -1, to, from, n, nullptr, true); }
API Result cuMemcpyAsync(Address to, Address from, size_t n, void *s) { return plain(__func__, -1, to, from, n, s, false); }
API Result cuMemcpy2D_v2(const Copy2D *c) { return copy_2d(__func__, c, nullptr, true); }
API Result cuMemcpy2DUnaligned_v2(const Copy2D *c) { return copy_2d(__func__, c, nullptr, true); }
API Result cuMemcpy2DAsync_v2(const Copy2D *c, void *s) { return copy_2d(__func__, c, s, false); }
API Result cuMemsetD8_v2(Address to, uint8_t v, size_t n) { return fill(__func__, to, v, n, nullptr, true); }
API Result cuMemsetD8Async(Address to, uint8_t v, size_t n, void *s) { return fill(__func__, to, v, n, s, false); }
API Result cuMemsetD16_v2(Address to, uint16_t v, size_t n) { return fill(__func__, to, v, n, nullptr, true); }
API Result cuMemsetD16Async(Address to, uint16_t v, size_t n, void *s) { return fill(__func__, to, v, n, s, false); }
API Result cuMemsetD32_v2(Address to, uint32_t v, size_t n) { return fill(__func__, to, v, n, nullptr, true); }
API Result cuMemsetD32Async(Address to, uint32_t v, size_t n, void *s) { return fill(__func__, to, v, n, s, false); }
