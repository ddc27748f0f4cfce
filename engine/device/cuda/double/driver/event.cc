// Events: marks in streams.
#include "driver.h"

#include <unordered_map>

namespace {

struct Event {
  std::shared_ptr<Mark> mark; // of the last record; null before
};

std::unordered_map<void *, std::shared_ptr<Event>> &events() {
  static auto *all = new std::unordered_map<void *, std::shared_ptr<Event>>;
  return *all;
}

std::shared_ptr<Event> event_of(void *handle) {
  auto it = events().find(handle);
  return it == events().end() ? nullptr : it->second;
}

} // namespace

API Result cuEventCreate(void **e, unsigned) {
  Call call(__func__);
  if (call.refused) return call.refused;
  if (!e) return call.fail(kInvalidValue);
  auto made = std::make_shared<Event>();
  events()[made.get()] = made;
  *e = made.get();
  return kSuccess;
}
API Result cuEventDestroy_v2(void *e) {
  Call call(__func__);
  if (call.refused == kInvalidContext || call.refused == kNotInitialized) return call.refused;
  if (!events().erase(e)) return call.fail(kInvalidHandle);
  return call.refused;
}
API Result cuEventRecord(void *e, void *h) {
  Call call(__func__);
  if (call.refused) return call.refused;
  auto event = event_of(e);
  auto s = stream_of(h, call.context);
  if (!event || !s) return call.fail(kInvalidHandle);
  event->mark = new_mark(s);
  push(s, {nullptr, event->mark, nullptr});
  return kSuccess;
}
API Result cuEventQuery(void *e) {
  Call call(__func__);
  if (call.refused) return call.refused;
  auto event = event_of(e);
  if (!event) return call.fail(kInvalidHandle);
  auto m = event->mark;
  if (!m || m->done) return kSuccess;
  if (auto s = m->stream.lock(); s && !s->busy && !idle(*s)) step(call.lock, s);
  if (call.context->sticky) return call.fail(call.context->sticky);
  return m->done ? kSuccess : kNotReady;
}
API Result cuEventSynchronize(void *e) {
  Call call(__func__);
  if (call.refused) return call.refused;
  auto event = event_of(e);
  if (!event) return call.fail(kInvalidHandle);
  count("waits");
  if (auto m = event->mark) reach(call.lock, m);
  return call.context->sticky;
}
API Result cuEventElapsedTime(float *ms, void *, void *) { return *ms = 0.001f, kSuccess; }

API Result cuStreamWaitEvent(void *h, void *e, unsigned) {
  Call call(__func__);
  if (call.refused) return call.refused;
  auto event = event_of(e);
  auto s = stream_of(h, call.context);
  if (!event || !s) return call.fail(kInvalidHandle);
  if (event->mark && !event->mark->done) push(s, {nullptr, nullptr, event->mark});
  return kSuccess;
}
