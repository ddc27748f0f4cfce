// Streams as queues. Work runs as late as is legal: only when something waits or asks, so that a forgotten
// wait gives wrong data every time and not once in a thousand.
#include "driver.h"

#include <chrono>
#include <unordered_map>

namespace {

struct Queues {
  std::unordered_map<void *, std::shared_ptr<Stream>> all; // by handle
  std::condition_variable moved;                           // some work is done
};
Queues &queues() {
  static Queues *q = new Queues;
  return *q;
}

void add(Stream &s, Work w) {
  s.queue.push_back(std::move(w));
  s.pushed++;
}

// after makes later work of s wait for what other holds now.
void after(const std::shared_ptr<Stream> &s, const std::shared_ptr<Stream> &other) {
  if (idle(*other)) return;
  auto m = new_mark(other);
  add(*other, {nullptr, m, nullptr});
  add(*s, {nullptr, nullptr, m});
}

// run_one runs the first piece of work, without the lock. After a fault nothing runs any more in a context,
// but everything counts as done.
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
  s.ran++;
  queues().moved.notify_all();
}

} // namespace

std::shared_ptr<Stream> make_stream(Context *c) {
  auto s = std::make_shared<Stream>();
  s->context = c;
  queues().all[s.get()] = s;
  return s;
}

std::shared_ptr<Stream> any_stream(void *handle) {
  auto it = queues().all.find(handle);
  return it == queues().all.end() ? nullptr : it->second;
}

// 1 and 2 are the NULL stream too, by the names CU_STREAM_LEGACY and CU_STREAM_PER_THREAD.
std::shared_ptr<Stream> stream_of(void *handle, Context *c) {
  if (!handle || handle == (void *)1 || handle == (void *)2) return c->null_stream;
  auto s = any_stream(handle);
  return s && s->context == c ? s : nullptr;
}

void forget_stream(void *handle) { queues().all.erase(handle); }

void release_streams(const Context *c) {
  for (auto it = queues().all.begin(); it != queues().all.end();) it = it->second->context == c ? queues().all.erase(it) : std::next(it);
}

std::shared_ptr<Mark> new_mark(const std::shared_ptr<Stream> &s) {
  auto m = std::make_shared<Mark>();
  m->stream = s;
  return m;
}

bool idle(const Stream &s) { return !s.busy && s.queue.empty(); }

void push(const std::shared_ptr<Stream> &s, Work w) {
  std::shared_ptr<Stream> null = s->context->null_stream;
  if (s == null) {
    for (auto &[handle, other] : queues().all)
      if (other != null && other->blocking && other->context == s->context) after(s, other);
  } else if (s->blocking) after(s, null);
  add(*s, std::move(w));
}

void step(Lock &lock, const std::shared_ptr<Stream> &s) {
  if (s->busy) {
    queues().moved.wait(lock);
    return;
  }
  std::shared_ptr<Mark> awaited = s->queue.front().awaits;
  if (awaited && !awaited->done) reach(lock, awaited);
  else run_one(lock, *s);
}

void reach(Lock &lock, const std::shared_ptr<Mark> &m) {
  std::shared_ptr<Stream> s = m->stream.lock();
  while (!m->done && s && !idle(*s)) step(lock, s);
  m->done = true; // at the latest when its stream has ended
}

void leave_to_others(Lock &lock, const Mark &m, int milliseconds) {
  queues().moved.wait_for(lock, std::chrono::milliseconds(milliseconds), [&] { return m.done; });
}

Result finish(Lock &lock, const std::shared_ptr<Stream> &s) {
  for (uint64_t all = s->pushed; s->ran < all;) step(lock, s);
  return s->context->sticky;
}

Result finish_all(Lock &lock, Context *c) {
  std::vector<std::shared_ptr<Stream>> all;
  for (auto &[handle, s] : queues().all)
    if (s->context == c) all.push_back(s);
  for (auto &s : all) finish(lock, s);
  return c->sticky;
}
