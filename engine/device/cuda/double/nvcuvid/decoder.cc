// Decoders. A picture is what a tape holds for its bitstream, or else a pattern made of it. It is written
// to an output surface when the stream that it was mapped on gets there.
#include "nvcuvid.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "tape.h"

extern "C" {
int cuMemAlloc_v2(uint64_t *, size_t);
int cuMemFree_v2(uint64_t);
}

namespace nvdec {
namespace {

constexpr uint8_t kPoison = 0xDD;

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

std::mutex lock;
std::unordered_map<void *, std::shared_ptr<Decoder>> &decoders() {
  static auto *all = new std::unordered_map<void *, std::shared_ptr<Decoder>>;
  return *all;
}

std::shared_ptr<Decoder> find(void *handle) {
  auto it = decoders().find(handle);
  return it == decoders().end() ? nullptr : it->second;
}

// ---- pictures
struct Fill {
  std::shared_ptr<Decoder> decoder;
  Decoded picture;
  uint8_t *to;
};

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

void fill(void *p) {
  std::unique_ptr<Fill> f((Fill *)p);
  Taped t;
  if (!option("STAMP").empty()) {
    pattern(*f);
    stamp(*f);
  } else if (taped(*f->decoder, f->picture, &t) && t.bytes_per_sample == (f->decoder->wide() ? 2u : 1u) && t.planes == (f->decoder->planar() ? 3u : 2u)) {
    from_tape(*f, t);
    streamvet_double_count("decoder.taped", 1);
  } else {
    pattern(*f);
  }
}

struct Spoil {
  std::shared_ptr<Decoder> decoder;
  uint8_t *at;
};
void spoil(void *p) {
  std::unique_ptr<Spoil> s((Spoil *)p);
  memset(s->at, kPoison, s->decoder->bytes);
}

// ---- making and ending
int make_outputs(Decoder &d) {
  for (unsigned i = 0; i < d.made.output_surfaces; i++) {
    Output o;
    if (int r = cuMemAlloc_v2(&o.at, d.bytes)) return r;
    d.outputs.push_back(o);
  }
  return kSuccess;
}

void end(Decoder &d) {
  for (Output &o : d.outputs) cuMemFree_v2(o.at);
  streamvet_double_reserve(d.device, -d.hidden_bytes);
}

} // namespace
} // namespace nvdec

using namespace nvdec;

API int cuvidCreateDecoder(void **out, Create *c) {
  int device;
  if (int r = streamvet_double_check(__func__, &device)) return r;
  if (int r = refused(*c)) {
    streamvet_double_count("decoder.refused", 1);
    return r;
  }
  auto d = std::make_shared<Decoder>();
  d->made = *c;
  d->device = device;
  d->pitch = (unsigned)((d->row_bytes() + 511) & ~511ul);
  d->bytes = (size_t)d->pitch * c->target_height * (d->planar() ? 6 : 3) / 2;
  d->pictures.resize(c->decode_surfaces);
  d->hidden_bytes = (int64_t)(d->bytes * c->decode_surfaces);
  if (!streamvet_double_reserve(device, d->hidden_bytes)) return kOutOfMemory;
  if (int r = make_outputs(*d)) {
    end(*d);
    return r;
  }
  streamvet_double_count("decoder.made", 1);
  streamvet_double_level("decoders", 1);
  std::lock_guard<std::mutex> guard(lock);
  decoders()[d.get()] = d;
  *out = d.get();
  return kSuccess;
}

API int cuvidDestroyDecoder(void *handle) {
  std::shared_ptr<Decoder> d;
  {
    std::lock_guard<std::mutex> guard(lock);
    d = find(handle);
    decoders().erase(handle);
  }
  if (!d) return kInvalidHandle;
  end(*d);
  streamvet_double_level("decoders", -1);
  return kSuccess;
}

API int cuvidDecodePicture(void *handle, Picture *p) {
  int device, code = 999;
  if (int r = streamvet_double_check(__func__, &device)) return r;
  std::lock_guard<std::mutex> guard(lock);
  auto d = find(handle);
  if (!d) return kInvalidHandle;
  if (p->index < 0 || (size_t)p->index >= d->pictures.size() || !p->data || !p->bytes) return kInvalidValue;
  if (streamvet_double_due("FAIL_DECODE", &code)) return code;
  streamvet_double_count("decoder.pictures", 1);
  streamvet_double_count("decoder.bytes", p->bytes);
  Decoded &to = d->pictures[p->index];
  if (p->is_field && p->is_second_field) { // the other half of the same picture
    to.content = Key(to.content).add(p->data, p->bytes).value();
    return kSuccess;
  }
  to.content = Key().add(d->name()).add(p->data, p->bytes).value();
  to.seen = d->seen[to.content]++;
  to.sequence = d->next++;
  return kSuccess;
}

API int cuvidGetDecodeStatus(void *, int, int *status) {
  memset(status, 0, 192);
  *status = 2; // success
  return kSuccess;
}

API int cuvidMapVideoFrame64(void *handle, int index, unsigned long long *at, unsigned *pitch, Process *how) {
  int device, code = kInvalidValue;
  if (int r = streamvet_double_check(__func__, &device)) return r;
  std::unique_lock<std::mutex> guard(lock);
  auto d = find(handle);
  if (!d) return kInvalidHandle;
  if (index < 0 || (size_t)index >= d->pictures.size()) return kInvalidValue;
  if (streamvet_double_due("FAIL_MAP", &code)) return code;
  std::string limit = option("MAP_LIMIT");
  size_t most = limit.empty() ? d->outputs.size() : std::min<size_t>(d->outputs.size(), strtoul(limit.c_str(), nullptr, 10)), mapped = 0;
  Output *free = nullptr;
  for (Output &o : d->outputs) {
    mapped += o.mapped;
    if (!o.mapped && !free) free = &o;
  }
  if (mapped >= most || !free) {
    streamvet_double_count("decoder.exhausted", 1);
    return kInvalidValue;
  }
  auto *f = new Fill{d, d->pictures[index], (uint8_t *)free->at};
  if (int r = streamvet_double_enqueue(how->stream, fill, f)) return delete f, r;
  free->mapped = true;
  free->stream = how->stream;
  streamvet_double_count("decoder.maps", 1);
  streamvet_double_level("surfaces", 1);
  *at = free->at;
  *pitch = d->pitch;
  return kSuccess;
}

// What was unmapped is overwritten. Where there is one output surface, FFmpeg has queued a copy out of it, so that
// is queued as well; where there are several, users hold them, and who has not finished by now finds rubbish.
API int cuvidUnmapVideoFrame64(void *handle, unsigned long long at) {
  std::unique_lock<std::mutex> guard(lock);
  auto d = find(handle);
  if (!d) return kInvalidHandle;
  for (Output &o : d->outputs) {
    if (o.at != at || !o.mapped) continue;
    void *stream = o.stream;
    streamvet_double_level("surfaces", -1);
    auto *s = new Spoil{d, (uint8_t *)at};
    if (d->outputs.size() > 1) {
      guard.unlock();
      streamvet_double_finish(stream);
      spoil(s);
      guard.lock();
    } else if (int r = streamvet_double_enqueue(stream, spoil, s)) return o.mapped = false, delete s, r;
    o.mapped = false;
    return kSuccess;
  }
  return kInvalidValue;
}

API int cuvidReconfigureDecoder(void *, void *) { return kNotSupported; }

// A lock of contexts; the double needs none.
API int cuvidCtxLockCreate(void **l, void *) { return *l = new char, kSuccess; }
API int cuvidCtxLockDestroy(char *l) { return delete l, kSuccess; }
API int cuvidCtxLock(void *, unsigned) { return kSuccess; }
API int cuvidCtxUnlock(void *, unsigned) { return kSuccess; }

// Parsers and sources, which FFmpeg looks up and nvdec does not use.
#define STUB(name) \
  API int name() { return kNotSupported; }
STUB(cuvidCreateVideoSource)
STUB(cuvidCreateVideoSourceW)
STUB(cuvidDestroyVideoSource)
STUB(cuvidSetVideoSourceState)
STUB(cuvidGetVideoSourceState)
STUB(cuvidGetSourceVideoFormat)
STUB(cuvidGetSourceAudioFormat)
STUB(cuvidCreateVideoParser)
STUB(cuvidParseVideoData)
STUB(cuvidDestroyVideoParser)
