#include "mapping.h"

#include <cstring>
#include <sys/mman.h>

namespace {

constexpr size_t kPage = 4096, kReserve = 1ull << 40;
constexpr int kNothing = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;

} // namespace

Mapping::~Mapping() { mmap(base, bytes, PROT_NONE, kNothing | MAP_FIXED, -1, 0); }

void Arena::reserve() {
  void *p = mmap(nullptr, kReserve, PROT_NONE, kNothing, -1, 0);
  base = p == MAP_FAILED ? nullptr : (char *)p;
  used = 0;
}

char *Arena::take(size_t bytes) {
  if (bytes > kReserve) return nullptr;
  if (!base || used + bytes > kReserve) reserve();
  if (!base) return nullptr;
  char *p = base + used;
  used += bytes;
  return p;
}

std::shared_ptr<Mapping> Arena::map(size_t bytes, size_t align, uint8_t fill, Address *at) {
  size_t whole = (bytes + kPage - 1) / kPage * kPage;
  char *p = whole < bytes ? nullptr : take(whole + kPage);
  if (!p || mprotect(p, whole, PROT_READ | PROT_WRITE)) return nullptr;
  memset(p, fill, whole);
  *at = (Address)(p + (whole - bytes) / align * align);
  return std::make_shared<Mapping>(p, whole);
}
