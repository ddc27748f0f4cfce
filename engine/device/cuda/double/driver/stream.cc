// Streams.
#include "driver.h"

#include <algorithm>

API Result cuStreamCreateWithPriority(void **s, unsigned flags, int priority) {
  Call call(__func__);
  if (call.refused) return call.refused;
  if (!s || flags > 1) return call.fail(kInvalidValue);
  auto made = make_stream(call.context);
  made->blocking = !(flags & 1);
  made->flags = flags;
  made->priority = std::clamp(priority, -5, 0);
  *s = made.get();
  return kSuccess;
}
API Result cuStreamCreate(void **s, unsigned flags) { return cuStreamCreateWithPriority(s, flags, 0); }

// A stream that is destroyed with work in it still does it.
API Result cuStreamDestroy_v2(void *h) {
  Call call(__func__);
  if (call.refused == kInvalidContext || call.refused == kNotInitialized) return call.refused;
  auto s = any_stream(h);
  if (!s) return call.fail(kInvalidHandle);
  finish(call.lock, s);
  forget_stream(h);
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
  if (!s->busy && !idle(*s)) step(call.lock, s);
  if (call.context->sticky) return call.fail(call.context->sticky);
  return idle(*s) ? kSuccess : kNotReady;
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

// For the double's own libraries: work of a decoder.
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
