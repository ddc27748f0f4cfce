// Decoders and what comes to lie in their output surfaces.
#pragma once
#include <map>
#include <memory>
#include <vector>

#include "nvcuvid.h"

namespace nvdec {

// What was decoded into a decode surface.
struct Decoded {
  uint64_t content = 0; // key of the bitstream
  uint64_t sequence = 0; // the how-manieth picture of the decoder
  uint32_t seen = 0;    // how often the decoder has had this bitstream before
};

struct Output {
  uint64_t at = 0;
  bool mapped = false;
  void *stream = nullptr;
};

struct Decoder {
  Create made;
  int device;
  unsigned pitch;
  size_t bytes;         // of an output surface
  int64_t hidden_bytes; // of the decode surfaces
  std::vector<Decoded> pictures;
  std::vector<Output> outputs;
  std::map<uint64_t, uint32_t> seen;
  uint64_t next = 0;

  bool wide() const { return made.format == kP016 || made.format == kYuv444High; }
  bool planar() const { return made.format == kYuv444 || made.format == kYuv444High; }
  size_t row_bytes() const { return made.target_width * (wide() ? 2 : 1); }
  std::string name() const { return std::string(codec_name(made.codec)) + " " + std::to_string(made.width) + "x" + std::to_string(made.height); }
};

// Work for the stream that a surface was mapped on: writing a decoded picture into it, and spoiling it once it is
// unmapped. The functions delete what they are given.
struct Fill {
  std::shared_ptr<Decoder> decoder;
  Decoded picture;
  uint8_t *to;
};
void fill(void *a_fill);

struct Spoil {
  std::shared_ptr<Decoder> decoder;
  uint8_t *at;
};
void spoil(void *a_spoil);

} // namespace nvdec
