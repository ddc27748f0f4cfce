// Functions of the host in a stream. They must not call the driver.
#include "driver.h"

#include <thread>

namespace {

// A keeper thread runs them even if nobody asks, as a GPU would in the end; it leaves time for others to be later.
struct Promises {
  std::deque<std::shared_ptr<Mark>> waiting;
  std::condition_variable made;
  bool kept = false; // the keeper runs
};
Promises &promises() {
  static Promises *p = new Promises;
  return *p;
}
constexpr int kPatience = 10; // milliseconds

void keep() {
  Lock lock(state);
  for (;;) {
    promises().made.wait(lock, [] { return !promises().waiting.empty(); });
    auto m = promises().waiting.front();
    promises().waiting.pop_front();
    leave_to_others(lock, *m, kPatience);
    reach(lock, m);
  }
}

Result enqueue(Call &call, void *handle, std::function<void()> f) {
  auto s = stream_of(handle, call.context);
  if (!s) return call.fail(kInvalidHandle);
  auto m = new_mark(s);
  push(s, {[=] { return f(), kSuccess; }, m, nullptr});
  if (!promises().kept) std::thread(keep).detach();
  promises().kept = true;
  promises().waiting.push_back(m);
  promises().made.notify_one();
  return kSuccess;
}

} // namespace

API Result cuLaunchHostFunc(void *h, void (*f)(void *), void *with) {
  Call call(__func__);
  if (call.refused) return call.refused;
  return f ? enqueue(call, h, [=] { f(with); }) : call.fail(kInvalidValue);
}

API Result cuStreamAddCallback(void *h, void (*f)(void *, Result, void *), void *with, unsigned) {
  Call call(__func__);
  if (call.refused) return call.refused;
  return f ? enqueue(call, h, [=] { f(h, kSuccess, with); }) : call.fail(kInvalidValue);
}
