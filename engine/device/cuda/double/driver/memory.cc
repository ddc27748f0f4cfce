// Device memory, which is host memory, poisoned when new; and pinned memory.
#include "mapping.h"

#include <algorithm>

API void streamvet_double_level(const char *name, int64_t by);

namespace {

constexpr size_t kAlign = 512;

struct Memory {
  Arena arena;
  std::shared_ptr<Allocations> device = std::make_shared<Allocations>();
  Allocations pinned;
  std::map<int, uint64_t> used; // by device
};
Memory &memory() {
  static Memory *m = new Memory;
  return *m;
}

// The table of device memory is copied when it changes: kernels that run keep theirs.
Allocations &changed() {
  if (memory().device.use_count() > 1) memory().device = std::make_shared<Allocations>(*memory().device);
  return *memory().device;
}

// map_new is for an allocation of a context.
bool map_new(size_t bytes, uint8_t fill, Address *at, Allocation *a, const Context *owner) {
  *a = {bytes, memory().arena.map(bytes, kAlign, fill, at), owner};
  return a->mapping != nullptr;
}

const Allocations::value_type *find_in(const Allocations &all, Address p, size_t bytes) {
  auto it = all.upper_bound(p);
  if (it == all.begin()) return nullptr;
  --it;
  return p - it->first < it->second.bytes && it->second.bytes - (p - it->first) >= bytes ? &*it : nullptr;
}

uint64_t total(int) { return (uint64_t)option_number("MEMORY", 8ll << 30); }

} // namespace

const Allocations::value_type *find_device(Address p, size_t bytes) { return find_in(*memory().device, p, bytes); }
bool is_device(Address p) { return find_device(p, 1); }
bool is_pinned(Address p, size_t bytes) { return find_in(memory().pinned, p, bytes ? bytes : 1); }
std::shared_ptr<const Allocations> device_memory() { return memory().device; }

bool reserve_bytes(int device, int64_t bytes) {
  uint64_t &used = memory().used[device];
  if (bytes > 0 && used + bytes > total(device)) return false;
  used += bytes;
  streamvet_double_level("bytes", bytes);
  return true;
}

Result allocate_device(const Context *c, size_t bytes, Address *p) {
  Allocation a;
  if (due("FAIL_ALLOC", "", nullptr) || !reserve_bytes(c->device, (int64_t)bytes)) return kOutOfMemory;
  if (!map_new(bytes, 0xCD, p, &a, c)) {
    reserve_bytes(c->device, -(int64_t)bytes);
    return kOutOfMemory;
  }
  changed()[*p] = a;
  streamvet_double_level("allocations", 1);
  count("allocations");
  return kSuccess;
}

void free_device(Address p) {
  auto it = memory().device->find(p);
  reserve_bytes(it->second.owner->device, -(int64_t)it->second.bytes);
  streamvet_double_level("allocations", -1);
  changed().erase(p);
}

// free_all frees what a context has when it ends.
void free_all(const Context *c) {
  for (auto it = memory().device->begin(); it != memory().device->end();) {
    Address p = it->first;
    bool mine = it->second.owner == c;
    ++it;
    if (!mine) continue;
    free_device(p);
    it = memory().device->upper_bound(p); // the table may be a new one
  }
  for (auto it = memory().pinned.begin(); it != memory().pinned.end();) {
    if (it->second.owner != c) {
      ++it;
      continue;
    }
    if (it->second.mapping) streamvet_double_level("pinned", -1);
    it = memory().pinned.erase(it);
  }
}

API Result cuMemAlloc_v2(Address *p, size_t bytes) {
  Call call(__func__);
  if (call.refused) return call.refused;
  if (!p || !bytes) return call.fail(kInvalidValue);
  if (Result r = allocate_device(call.context, bytes, p)) return call.fail(r, std::to_string(bytes) + " bytes");
  return kSuccess;
}

API Result cuMemAllocPitch_v2(Address *p, size_t *pitch, size_t width, size_t height, unsigned) {
  if (!pitch) return kInvalidValue;
  *pitch = (width + kAlign - 1) / kAlign * kAlign;
  return cuMemAlloc_v2(p, *pitch * height);
}

API Result cuMemAllocManaged(Address *p, size_t bytes, unsigned) { return cuMemAlloc_v2(p, bytes); }

API Result cuMemFree_v2(Address p) {
  Call call(__func__);
  if (call.refused) return call.refused;
  if (!p) return kSuccess;
  auto found = find_device(p, 1);
  if (!found || found->first != p) return call.fail(kInvalidValue, "not an allocation");
  Result r = finish_all(call.lock, call.context); // as the driver does
  if (find_device(p, 1)) free_device(p);
  return r;
}

API Result cuMemHostAlloc(void **p, size_t bytes, unsigned) {
  Call call(__func__);
  if (call.refused) return call.refused;
  if (!p || !bytes) return call.fail(kInvalidValue);
  Allocation a;
  Address at;
  if (due("FAIL_ALLOC", "", nullptr) || !map_new(bytes, 0, &at, &a, call.context)) return call.fail(kOutOfMemory);
  memory().pinned[at] = a;
  streamvet_double_level("pinned", 1);
  *p = (void *)at;
  return kSuccess;
}
API Result cuMemAllocHost_v2(void **p, size_t bytes) { return cuMemHostAlloc(p, bytes, 0); }

API Result cuMemFreeHost(void *p) {
  Call call(__func__);
  if (call.refused) return call.refused;
  auto it = memory().pinned.find((Address)p);
  if (it == memory().pinned.end() || !it->second.mapping) return call.fail(kInvalidValue, "not pinned memory");
  Result r = finish_all(call.lock, call.context);
  memory().pinned.erase((Address)p);
  streamvet_double_level("pinned", -1);
  return r;
}

API Result cuMemHostRegister_v2(void *p, size_t bytes, unsigned) {
  Call call(__func__);
  if (call.refused) return call.refused;
  if (!p || !bytes || is_pinned((Address)p, 1)) return call.fail(kInvalidValue);
  memory().pinned[(Address)p] = {bytes, nullptr, call.context};
  return kSuccess;
}

API Result cuMemHostUnregister(void *p) {
  Call call(__func__);
  if (call.refused) return call.refused;
  auto it = memory().pinned.find((Address)p);
  if (it == memory().pinned.end() || it->second.mapping) return call.fail(kInvalidValue, "not registered");
  finish_all(call.lock, call.context);
  memory().pinned.erase((Address)p);
  return kSuccess;
}

API Result cuMemGetInfo_v2(size_t *free, size_t *all) {
  Call call(__func__);
  if (call.refused) return call.refused;
  int d = call.context->device;
  if (free) *free = total(d) - std::min(total(d), memory().used[d]);
  if (all) *all = total(d);
  return kSuccess;
}

API Result cuDeviceTotalMem_v2(size_t *all, int device) {
  *all = total(device);
  return kSuccess;
}

API Result cuMemGetAddressRange_v2(Address *base, size_t *bytes, Address p) {
  Call call(__func__);
  if (call.refused) return call.refused;
  auto found = find_device(p, 1);
  if (!found) return call.fail(kNotFound, "not device memory");
  if (base) *base = found->first;
  if (bytes) *bytes = found->second.bytes;
  return kSuccess;
}

// Attributes of a pointer: 1 context, 2 kind of memory (1 host, 2 device), 3 and 4 its address on the device and the host, 9 device.
API Result cuPointerGetAttribute(void *to, int attribute, Address p) {
  Call call(__func__);
  if (call.refused) return call.refused;
  auto found = find_device(p, 1);
  if (!found && !is_pinned(p, 1)) return call.fail(kInvalidValue, "memory that the driver does not know");
  switch (attribute) {
  case 1: *(Context **)to = call.context; return kSuccess;
  case 2: *(unsigned *)to = found ? 2 : 1; return kSuccess;
  case 3:
  case 4: *(Address *)to = p; return kSuccess;
  case 9: *(int *)to = found ? found->second.owner->device : call.context->device; return kSuccess;
  }
  return call.fail(kNotSupported);
}

// What NVML is asked for, and what the decoder holds.
API uint64_t streamvet_double_memory_used(int device) {
  Lock lock(state);
  return memory().used[device];
}
API uint64_t streamvet_double_memory_total(int device) { return total(device); }
API int streamvet_double_reserve(int device, int64_t bytes) {
  Lock lock(state);
  return reserve_bytes(device, bytes);
}
