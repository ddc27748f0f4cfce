// Tapes: pictures that were decoded before, found by a key. See double.WriteTape and double.Record.
#pragma once
#include <cstdint>
#include <memory>
#include <string>

namespace nvdec {

// A picture of a tape: planes without gaps, semi-planar (luma, then U and V interleaved) or three planes.
struct Taped {
  uint32_t width, height, bytes_per_sample, planes;
  const uint8_t *data;
  std::shared_ptr<const void> file; // keeps data mapped
};

// FNV-1a.
class Key {
public:
  explicit Key(uint64_t from = 14695981039346656037ull) : h(from) {}
  Key &add(const void *data, size_t n) {
    for (size_t i = 0; i < n; i++) h = (h ^ static_cast<const uint8_t *>(data)[i]) * 1099511628211ull;
    return *this;
  }
  Key &add(const std::string &s) { return add(s.data(), s.size()); }
  uint64_t value() const { return h; }

private:
  uint64_t h;
};

// Looks through all tapes of the folder that the option TAPES names.
bool find_picture(uint64_t key, Taped *);

} // namespace nvdec
