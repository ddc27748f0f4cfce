// Addresses that are used once: a range of them is handed out from bottom to top, and what is freed stays
// dead. So what comes late faults, and never reaches somebody else's memory.
#pragma once
#include "driver.h"

struct Mapping {
  void *base;
  size_t bytes;
  Mapping(void *base, size_t bytes) : base(base), bytes(bytes) {}
  Mapping(const Mapping &) = delete;
  ~Mapping(); // gives the memory back
};

class Arena {
public:
  // map gives memory that is filled with a byte and ends as near to a guard page as its alignment allows;
  // null if there is none.
  std::shared_ptr<Mapping> map(size_t bytes, size_t align, uint8_t fill, Address *at);

private:
  char *base = nullptr;
  size_t used = 0;

  char *take(size_t bytes);
  void reserve();
};
