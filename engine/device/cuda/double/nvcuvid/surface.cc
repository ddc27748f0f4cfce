// A picture is what a tape holds for its bitstream, or else a pattern made of it.
#include "surface.h"

#include <algorithm>
#include <cstring>

#include "tape.h"

namespace nvdec {
namespace {

constexpr uint8_t kPoison = 0xDD;

uint64_t content_key(const Decoded &p, uint32_t seen) { return Key(p.content).add(&seen, sizeof seen).value(); }
uint64_t sequence_key(const Decoder &d, uint64_t n) { return Key().add(d.name() + " #" + std::to_string(n)).value(); }

bool taped(const Decoder &d, const Decoded &p, Taped *t) {
  for (uint32_t seen = p.seen + 1; seen-- > 0;)
    if (find_picture(content_key(p, seen), t)) return true;
  return find_picture(sequence_key(d, p.sequence), t);
}

// A plane of the surface from one of the tape; what the tape has not is its last column and row.
void copy_plane(const Fill &f, size_t row, size_t rows, const uint8_t *from, size_t width, size_t height, size_t unit) {
  size_t wanted = f.decoder->row_bytes() / unit;
  for (size_t y = 0; y < rows; y++) {
    uint8_t *to = f.to + (row + y) * f.decoder->pitch;
    const uint8_t *line = from + std::min(y, height - 1) * width * unit;
    memcpy(to, line, std::min(wanted, width) * unit);
    for (size_t x = width; x < wanted; x++) memcpy(to + x * unit, line + (width - 1) * unit, unit);
  }
}

void from_tape(const Fill &f, const Taped &t) {
  size_t h = f.decoder->made.target_height, b = t.bytes_per_sample;
  copy_plane(f, 0, h, t.data, t.width, t.height, b);
  if (f.decoder->planar()) {
    for (size_t k = 1; k < 3; k++) copy_plane(f, k * h, h, t.data + k * t.width * t.height * b, t.width, t.height, b);
  } else {
    copy_plane(f, h, h / 2, t.data + (size_t)t.width * t.height * b, (t.width + 1) / 2, (t.height + 1) / 2, 2 * b);
  }
}

// A pattern in which neighbours and pictures differ.
void pattern(const Fill &f) {
  const Decoder &d = *f.decoder;
  size_t h = d.made.target_height, rows = d.planar() ? 3 * h : h + h / 2;
  unsigned seed = (unsigned)(f.picture.content % 251);
  for (size_t y = 0; y < rows; y++) {
    uint8_t *line = f.to + y * d.pitch;
    for (size_t x = 0; x < d.made.target_width; x++) {
      uint8_t v = (uint8_t)(y < h ? 16 + (x / 8 + y / 4 + seed) % 220 : 100 + (x / 2 + y + seed) % 60);
      if (d.wide()) line[2 * x] = 0, line[2 * x + 1] = v;
      else line[x] = v;
    }
  }
}

// With STAMP the first eight samples are the key, for double.Record.
void stamp(const Fill &f) {
  uint64_t key = content_key(f.picture, f.picture.seen);
  for (int k = 0; k < 8; k++) {
    uint8_t v = (uint8_t)(key >> 8 * k);
    if (f.decoder->wide()) f.to[2 * k] = 0, f.to[2 * k + 1] = v;
    else f.to[k] = v;
  }
}

// fits tells whether a tape's picture is of the kind that a decoder's surfaces hold.
bool fits(const Decoder &d, const Taped &t) { return t.bytes_per_sample == (d.wide() ? 2u : 1u) && t.planes == (d.planar() ? 3u : 2u); }

} // namespace

void fill(void *p) {
  std::unique_ptr<Fill> f((Fill *)p);
  Taped t;
  if (!option("STAMP").empty()) {
    pattern(*f);
    stamp(*f);
  } else if (taped(*f->decoder, f->picture, &t) && fits(*f->decoder, t)) {
    from_tape(*f, t);
    streamvet_double_count("decoder.taped", 1);
  } else {
    pattern(*f);
  }
}

void spoil(void *p) {
  std::unique_ptr<Spoil> s((Spoil *)p);
  memset(s->at, kPoison, s->decoder->bytes);
}

} // namespace nvdec
