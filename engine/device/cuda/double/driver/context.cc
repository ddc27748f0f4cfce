// The start, and contexts.
#include "driver.h"

#include <cstdio>

std::mutex state;

namespace {

struct Device {
  Context primary;
  Result lost = kSuccess;
};
struct Devices {
  std::map<int, Device> all;
  std::vector<std::unique_ptr<Context>> made; // by cuCtxCreate; kept, so that late use is seen
  bool started = false;
};
Devices &devices() {
  static Devices *d = new Devices;
  return *d;
}

thread_local std::vector<Context *> stack; // of contexts, of this thread of the host

Device &device_at(int i) {
  Device &d = devices().all[i];
  d.primary.device = i;
  d.primary.primary = true;
  return d;
}

void open(Context &c) {
  c.alive = true;
  c.sticky = kSuccess;
  c.null_stream = make_stream(&c);
}

// end ends a context. What its user has not freed goes too, except where that would hide that it was forgotten.
enum class Leftovers { Free, Show };
void end(Lock &lock, Context &c, Leftovers what) {
  finish_all(lock, &c);
  release_streams(&c);
  if (what == Leftovers::Free) {
    release_modules(&c);
    free_all(&c);
  }
  c.alive = false;
}

} // namespace

bool has_started() { return devices().started; }

Context *current() { return stack.empty() ? nullptr : stack.back(); }

void say(const std::string &text) {
  if (!option("VERBOSE").empty()) fprintf(stderr, "double: %s\n", text.c_str());
}

Call::Call(const char *name, Needs needs) : lock(state), name(name) {
  if (needs == Nothing) return;
  context = current();
  if (!devices().started) refused = fail(kNotInitialized);
  else if (!context) refused = fail(kInvalidContext, "no context is current on this thread");
  else if (!context->alive) refused = fail(kContextDestroyed);
  if (refused) return;
  Device &d = device_at(context->device);
  Result code = kLaunchFailedError;
  if (!d.lost && due("LOSE_DEVICE", "", &code)) d.lost = code;
  if (d.lost) refused = fail(d.lost, "the device is lost");
  else if (context->sticky) refused = fail(context->sticky, "a kernel has failed before");
}

Result Call::fail(Result r, const std::string &why) const {
  count("errors");
  say(std::string(name) + " gives " + std::to_string(r) + (why.empty() ? "" : ": " + why));
  return r;
}

// Whether the device of a context has gone, for work that has been queued before.
bool is_lost(const Context *c) { return device_at(c->device).lost != kSuccess; }

API const char *streamvet_driver_double() { return "test double of the driver"; }

// A device that was lost is there again, as after a restart of the machine.
API void streamvet_double_restore() {
  Lock lock(state);
  for (auto &[i, d] : devices().all) d.lost = kSuccess, d.primary.sticky = kSuccess;
}

API Result cuInit(unsigned flags) {
  Call call(__func__, Call::Nothing);
  if (flags) return call.fail(kInvalidValue);
  if (!option("NO_DEVICE").empty() || device_count() == 0) return call.fail(kNoDevice);
  devices().started = true;
  return kSuccess;
}

// ---- primary contexts
API Result cuDevicePrimaryCtxRetain(Context **c, int device) {
  Call call(__func__, Call::Nothing);
  if (!devices().started) return call.fail(kNotInitialized);
  if (!exists(device)) return call.fail(kInvalidDevice);
  Device &d = device_at(device);
  if (d.lost) return call.fail(d.lost);
  if (!d.primary.alive) open(d.primary);
  d.primary.retained++;
  *c = &d.primary;
  return kSuccess;
}
API Result cuDevicePrimaryCtxRelease_v2(int device) {
  Call call(__func__, Call::Nothing);
  if (!exists(device)) return call.fail(kInvalidDevice);
  Context &c = device_at(device).primary;
  if (!c.retained) return call.fail(kInvalidContext, "more releases than retains");
  if (!--c.retained) end(call.lock, c, Leftovers::Show);
  return kSuccess;
}
API Result cuDevicePrimaryCtxRelease(int device) { return cuDevicePrimaryCtxRelease_v2(device); }
API Result cuDevicePrimaryCtxSetFlags_v2(int device, unsigned flags) {
  Call call(__func__, Call::Nothing);
  if (!exists(device)) return call.fail(kInvalidDevice);
  device_at(device).primary.flags = flags;
  return kSuccess;
}
API Result cuDevicePrimaryCtxSetFlags(int device, unsigned flags) { return cuDevicePrimaryCtxSetFlags_v2(device, flags); }
API Result cuDevicePrimaryCtxGetState(int device, unsigned *flags, int *active) {
  Call call(__func__, Call::Nothing);
  if (!exists(device)) return call.fail(kInvalidDevice);
  Context &c = device_at(device).primary;
  *flags = c.flags;
  *active = c.alive;
  return kSuccess;
}
API Result cuDevicePrimaryCtxReset_v2(int device) {
  Call call(__func__, Call::Nothing);
  if (!exists(device)) return call.fail(kInvalidDevice);
  Context &c = device_at(device).primary;
  if (!c.alive) return kSuccess;
  end(call.lock, c, Leftovers::Free);
  if (c.retained) open(c);
  return kSuccess;
}
API Result cuDevicePrimaryCtxReset(int device) { return cuDevicePrimaryCtxReset_v2(device); }

// ---- contexts of one's own
API Result cuCtxCreate_v2(Context **c, unsigned flags, int device) {
  Call call(__func__, Call::Nothing);
  if (!devices().started) return call.fail(kNotInitialized);
  if (!exists(device)) return call.fail(kInvalidDevice);
  devices().made.push_back(std::make_unique<Context>());
  Context *made = devices().made.back().get();
  made->device = device;
  made->flags = flags;
  open(*made);
  stack.push_back(made);
  *c = made;
  return kSuccess;
}
API Result cuCtxDestroy_v2(Context *c) {
  Call call(__func__, Call::Nothing);
  if (!c || c->primary || !c->alive) return call.fail(kInvalidContext, "not a context of cuCtxCreate");
  end(call.lock, *c, Leftovers::Free);
  if (current() == c) stack.pop_back();
  return kSuccess;
}

// ---- the stack of this thread
API Result cuCtxPushCurrent_v2(Context *c) {
  if (!c) return kInvalidValue;
  stack.push_back(c);
  return kSuccess;
}
API Result cuCtxPopCurrent_v2(Context **c) {
  if (stack.empty()) return kInvalidContext;
  if (c) *c = stack.back();
  stack.pop_back();
  return kSuccess;
}
API Result cuCtxSetCurrent(Context *c) {
  if (!stack.empty()) stack.pop_back();
  if (c) stack.push_back(c);
  return kSuccess;
}
API Result cuCtxGetCurrent(Context **c) { return *c = current(), kSuccess; }
API Result cuCtxGetDevice(int *d) {
  Call call(__func__);
  if (call.refused) return call.refused;
  *d = call.context->device;
  return kSuccess;
}
API Result cuCtxGetFlags(unsigned *f) {
  Call call(__func__);
  if (call.refused) return call.refused;
  *f = call.context->flags;
  return kSuccess;
}
API Result cuCtxSynchronize() {
  Call call(__func__);
  if (call.refused) return call.refused;
  count("waits");
  return finish_all(call.lock, call.context);
}
API Result cuCtxSetLimit(int, size_t) { return kSuccess; }
API Result cuCtxGetLimit(size_t *v, int) { return *v = 0, kSuccess; }
API Result cuCtxGetApiVersion(Context *, unsigned *v) { return *v = 3020, kSuccess; }
API Result cuCtxSetCacheConfig(int) { return kSuccess; }
API Result cuCtxGetCacheConfig(int *c) { return *c = 0, kSuccess; }
API Result cuCtxGetStreamPriorityRange(int *least, int *greatest) { return *least = 0, *greatest = -5, kSuccess; }

// For the double's own libraries: whether a call may go on, and on which device.
API Result streamvet_double_check(const char *name, int *device) {
  Call call(name);
  if (!call.refused) *device = call.context->device;
  return call.refused;
}
