// The decoder's interface.
#include <algorithm>
#include <cstring>
#include <mutex>
#include <unordered_map>

#include "surface.h"
#include "tape.h"

extern "C" {
int cuMemAlloc_v2(uint64_t *, size_t);
int cuMemFree_v2(uint64_t);
}

namespace nvdec {
namespace {

std::mutex lock;
std::unordered_map<void *, std::shared_ptr<Decoder>> &decoders() {
  static auto *all = new std::unordered_map<void *, std::shared_ptr<Decoder>>;
  return *all;
}

std::shared_ptr<Decoder> find(void *handle) {
  auto it = decoders().find(handle);
  return it == decoders().end() ? nullptr : it->second;
}

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
