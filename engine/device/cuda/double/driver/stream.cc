// Streams and events. Work runs as late as is legal: only when something waits or asks, so that a
// forgotten wait gives wrong data every time and not once in a thousand.
#include "driver.h"

#include <algorithm>
#include <thread>
#include <unordered_map>

bool is_lost(const Context *);

namespace {

struct Event {
  std::shared_ptr<Mark> mark; // of the last record; null before
};

struct Queues {
  std::unordered_map<void *, std::shared_ptr<Stream>> streams;
  std::unordered_map<void *, std::shared_ptr<Event>> events;
  std::condition_variable idle; // some stream is not busy any more
  // Functions of the host that somebody may wait for without asking the driver.
  std::deque<std::shared_ptr<Mark>> promised;
  std::condition_variable promise;
  bool keeper = false;
};
Queues &queues() {
  static Queues *q = new Queues;
  return *q;
}

void run_one(Lock &lock, Stream &s) {
  Work w = std::move(s.queue.front());
  s.queue.pop_front();
  Result r = kSuccess;
  if (w.run && !s.context->sticky && !is_lost(s.context)) {
    s.busy = true;
    lock.unlock();
    r = w.run();
    w.run = nullptr;
    lock.lock();
    s.busy = false;
  }
  if (r && !s.context->sticky) s.context->sticky = r;
  if (w.marks) w.marks->done = true;
  queues().idle.notify_all();
}

void reach(Lock &lock, const std::shared_ptr<Stream> &s, const std::function<bool()> &there);

// step brings a stream forward by one piece of work.
void step(Lock &lock, const std::shared_ptr<Stream> &s) {
  if (s->busy) {
    queues().idle.wait(lock);
    return;
  }
  std::shared_ptr<Mark> awaited = s->queue.front().awaits;
  if (awaited && !awaited->done) {
    if (auto other = awaited->stream.lock()) reach(lock, other, [&] { return awaited->done; });
    else awaited->done = true; // its stream has ended
    return;
  }
  run_one(lock, *s);
}

void reach(Lock &lock, const std::shared_ptr<Stream> &s, const std::function<bool()> &there) {
  while (!there() && (s->busy || !s->queue.empty())) step(lock, s);
}

std::shared_ptr<Mark> mark_end(const std::shared_ptr<Stream> &s) {
  auto m = std::make_shared<Mark>();
  m->stream = s;
  s->queue.push_back({nullptr, m, nullptr});
  return m;
}

// after makes later work of s wait for what other holds now.
void after(const std::shared_ptr<Stream> &s, const std::shared_ptr<Stream> &other) {
  if (other->queue.empty() && !other->busy) return;
  auto m = mark_end(other);
  s->queue.push_back({nullptr, nullptr, m});
}

Result outcome(const Context *c) { return c->sticky; }

// The keeper runs functions of the host even if nobody asks, as a GPU would in the end.
void keep_promises() {
  Lock lock(state);
  for (;;) {
    queues().promise.wait(lock, [] { return !queues().promised.empty(); });
    auto m = queues().promised.front();
    queues().promised.pop_front();
    for (int patience = 0; patience < 2 && !m->done; patience++) queues().idle.wait_for(lock, std::chrono::milliseconds(5));
    if (auto s = m->stream.lock()) reach(lock, s, [&] { return m->done; });
  }
}

void promise(const std::shared_ptr<Mark> &m) {
  if (!queues().keeper) std::thread(keep_promises).detach();
  queues().keeper = true;
  queues().promised.push_back(m);
  queues().promise.notify_one();
}

template <class T> std::shared_ptr<T> known(const std::unordered_map<void *, std::shared_ptr<T>> &all, void *handle) {
  auto it = all.find(handle);
  return it == all.end() ? nullptr : it->second;
}

} // namespace

std::shared_ptr<Stream> stream_of(void *handle, Context *c) {
  if (!handle || handle == (void *)1 || handle == (void *)2) return c->null_stream;
  auto s = known(queues().streams, handle);
  return s && s->context == c ? s : nullptr;
}

void push(const std::shared_ptr<Stream> &s, Work w) {
  if (s == s->context->null_stream) {
    for (auto &[handle, other] : queues().streams)
      if (other->blocking && other->context == s->context) after(s, other);
  } else if (s->blocking) after(s, s->context->null_stream);
  s->queue.push_back(std::move(w));
}

Result finish(Lock &lock, const std::shared_ptr<Stream> &s) {
  reach(lock, s, [] { return false; });
  return outcome(s->context);
}

Result finish_all(Lock &lock, Context *c) {
  std::vector<std::shared_ptr<Stream>> all{c->null_stream};
  for (auto &[handle, s] : queues().streams)
    if (s->context == c) all.push_back(s);
  for (auto &s : all) finish(lock, s);
  return outcome(c);
}

void release_streams(const Context *c) {
  for (auto it = queues().streams.begin(); it != queues().streams.end();) it = it->second->context == c ? queues().streams.erase(it) : std::next(it);
}

// ---- streams
API Result cuStreamCreateWithPriority(void **s, unsigned flags, int priority) {
  Call call(__func__);
  if (call.refused) return call.refused;
  if (!s || flags > 1) return call.fail(kInvalidValue);
  auto made = std::make_shared<Stream>();
  made->context = call.context;
  made->blocking = !(flags & 1);
  made->flags = flags;
  made->priority = std::clamp(priority, -5, 0);
  queues().streams[made.get()] = made;
  *s = made.get();
  return kSuccess;
}
API Result cuStreamCreate(void **s, unsigned flags) { return cuStreamCreateWithPriority(s, flags, 0); }

// A stream that is destroyed with work in it still does it.
API Result cuStreamDestroy_v2(void *h) {
  Call call(__func__);
  if (call.refused == kInvalidContext || call.refused == kNotInitialized) return call.refused;
  auto s = known(queues().streams, h);
  if (!s) return call.fail(kInvalidHandle);
  finish(call.lock, s);
  queues().streams.erase(h);
  return call.refused;
}

API Result cuStreamSynchronize(void *h) {
  Call call(__func__);
  if (call.refused) return call.refused;
  auto s = stream_of(h, call.context);
  if (!s) return call.fail(kInvalidHandle);
  count("waits");
  return finish(call.lock, s);
}

// A question brings the stream forward by one piece of work.
API Result cuStreamQuery(void *h) {
  Call call(__func__);
  if (call.refused) return call.refused;
  auto s = stream_of(h, call.context);
  if (!s) return call.fail(kInvalidHandle);
  if (!s->busy && !s->queue.empty()) step(call.lock, s);
  if (call.context->sticky) return call.fail(call.context->sticky);
  return s->busy || !s->queue.empty() ? kNotReady : kSuccess;
}
API Result cuStreamGetFlags(void *h, unsigned *flags) {
  Call call(__func__);
  if (call.refused) return call.refused;
  auto s = stream_of(h, call.context);
  if (!s) return call.fail(kInvalidHandle);
  *flags = s->flags;
  return kSuccess;
}
API Result cuStreamGetPriority(void *h, int *priority) {
  Call call(__func__);
  if (call.refused) return call.refused;
  auto s = stream_of(h, call.context);
  if (!s) return call.fail(kInvalidHandle);
  *priority = s->priority;
  return kSuccess;
}
API Result cuStreamGetCtx(void *h, Context **c) {
  Call call(__func__);
  if (call.refused) return call.refused;
  auto s = stream_of(h, call.context);
  if (!s) return call.fail(kInvalidHandle);
  *c = s->context;
  return kSuccess;
}

// ---- events
API Result cuEventCreate(void **e, unsigned) {
  Call call(__func__);
  if (call.refused) return call.refused;
  if (!e) return call.fail(kInvalidValue);
  auto made = std::make_shared<Event>();
  queues().events[made.get()] = made;
  *e = made.get();
  return kSuccess;
}
API Result cuEventDestroy_v2(void *e) {
  Call call(__func__);
  if (call.refused == kInvalidContext || call.refused == kNotInitialized) return call.refused;
  if (!queues().events.erase(e)) return call.fail(kInvalidHandle);
  return call.refused;
}
API Result cuEventRecord(void *e, void *h) {
  Call call(__func__);
  if (call.refused) return call.refused;
  auto event = known(queues().events, e);
  auto s = stream_of(h, call.context);
  if (!event || !s) return call.fail(kInvalidHandle);
  event->mark = std::make_shared<Mark>();
  event->mark->stream = s;
  push(s, {nullptr, event->mark, nullptr});
  return kSuccess;
}
API Result cuEventQuery(void *e) {
  Call call(__func__);
  if (call.refused) return call.refused;
  auto event = known(queues().events, e);
  if (!event) return call.fail(kInvalidHandle);
  auto m = event->mark;
  if (!m || m->done) return kSuccess;
  if (auto s = m->stream.lock(); s && !s->busy && !s->queue.empty()) step(call.lock, s);
  if (call.context->sticky) return call.fail(call.context->sticky);
  return m->done ? kSuccess : kNotReady;
}
API Result cuEventSynchronize(void *e) {
  Call call(__func__);
  if (call.refused) return call.refused;
  auto event = known(queues().events, e);
  if (!event) return call.fail(kInvalidHandle);
  count("waits");
  auto m = event->mark;
  if (auto s = m ? m->stream.lock() : nullptr) reach(call.lock, s, [&] { return m->done; });
  return outcome(call.context);
}
API Result cuEventElapsedTime(float *ms, void *, void *) { return *ms = 0.001f, kSuccess; }

API Result cuStreamWaitEvent(void *h, void *e, unsigned) {
  Call call(__func__);
  if (call.refused) return call.refused;
  auto event = known(queues().events, e);
  auto s = stream_of(h, call.context);
  if (!event || !s) return call.fail(kInvalidHandle);
  if (event->mark && !event->mark->done) push(s, {nullptr, nullptr, event->mark});
  return kSuccess;
}

// ---- functions of the host, which must not call the driver
API Result cuLaunchHostFunc(void *h, void (*f)(void *), void *with) {
  Call call(__func__);
  if (call.refused) return call.refused;
  auto s = stream_of(h, call.context);
  if (!s || !f) return call.fail(s ? kInvalidValue : kInvalidHandle);
  auto m = std::make_shared<Mark>();
  m->stream = s;
  push(s, {[=] { return f(with), kSuccess; }, m, nullptr});
  promise(m);
  return kSuccess;
}
API Result cuStreamAddCallback(void *h, void (*f)(void *, Result, void *), void *with, unsigned) {
  Call call(__func__);
  if (call.refused) return call.refused;
  auto s = stream_of(h, call.context);
  if (!s || !f) return call.fail(s ? kInvalidValue : kInvalidHandle);
  auto m = std::make_shared<Mark>();
  m->stream = s;
  push(s, {[=] { return f(h, kSuccess, with), kSuccess; }, m, nullptr});
  promise(m);
  return kSuccess;
}

// For the double's own libraries: work of a decoder, which nobody is promised.
API Result streamvet_double_enqueue(void *h, void (*f)(void *), void *with) {
  Call call(__func__);
  if (call.refused) return call.refused;
  auto s = stream_of(h, call.context);
  if (!s) return call.fail(kInvalidHandle);
  push(s, {[=] { return f(with), kSuccess; }, nullptr, nullptr});
  return kSuccess;
}

API Result streamvet_double_finish(void *h) {
  Call call(__func__);
  if (call.refused) return call.refused;
  auto s = stream_of(h, call.context);
  return s ? finish(call.lock, s) : call.fail(kInvalidHandle);
}
