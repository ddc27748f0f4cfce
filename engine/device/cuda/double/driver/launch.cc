// Launches: the PTX that was loaded is what runs.
#include <algorithm>
#include <cstring>
#include <thread>

#include "../ptx/grid.h"
#include "module.h"

namespace {

unsigned thread_count() {
  static const unsigned n = std::max(1u, std::thread::hardware_concurrency());
  return (unsigned)option_number("THREADS", n);
}

// copy_arguments takes what the parameters point to now, as the driver does.
Result copy_arguments(const Call &call, const ptx::Kernel &k, void **params, void **extra, std::vector<uint8_t> &to) {
  to.resize(std::max<size_t>(k.parameter_bytes, 1));
  if (extra) { // a buffer: 1, pointer, 2, pointer to its size, 0
    const void *buffer = nullptr;
    size_t bytes = 0;
    for (; *extra; extra += 2) {
      if (*extra == (void *)1) buffer = extra[1];
      if (*extra == (void *)2) bytes = *(size_t *)extra[1];
    }
    if (bytes != k.parameter_bytes) return call.fail(kInvalidValue, k.name + " takes " + std::to_string(k.parameter_bytes) + " bytes of parameters");
    memcpy(to.data(), buffer, bytes);
    return kSuccess;
  }
  if (!params && !k.parameters.empty()) return call.fail(kInvalidValue, k.name + " takes parameters");
  for (size_t i = 0; i < k.parameters.size(); i++) {
    if (!params[i]) return call.fail(kInvalidValue, k.name + ": parameter " + std::to_string(i) + " is missing");
    memcpy(to.data() + k.parameters[i].offset, params[i], k.parameters[i].bytes);
  }
  return kSuccess;
}

Result check_shape(const Call &call, const ptx::Kernel &k, ptx::Dim g, ptx::Dim b, size_t shared) {
  if (!g.count() || !b.count()) return call.fail(kInvalidValue, k.name + ": an empty grid or block");
  if (g.x > 2147483647 || g.y > 65535 || g.z > 65535) return call.fail(kInvalidValue, k.name + ": the grid is too large");
  if (b.count() > 1024 || b.x > 1024 || b.y > 1024 || b.z > 64) return call.fail(kInvalidValue, k.name + ": a block of more than 1024 threads");
  if (k.shared_bytes + shared > 49152) return call.fail(kInvalidValue, k.name + ": more than 48 KiB of shared memory");
  return kSuccess;
}

Result run(const ptx::Launch &l) {
  try {
    uint64_t n = run_grid(l, thread_count());
    count("instructions." + l.kernel->name, n);
    return kSuccess;
  } catch (const ptx::Fault &f) {
    say(f.what());
    return f.code;
  }
}

// memory_of gives a kernel the device memory as it is when it starts.
ptx::Lookup memory_of() {
  std::shared_ptr<const Allocations> all;
  {
    Lock lock(state);
    all = device_memory();
  }
  return [all](uint64_t a) -> ptx::Range {
    auto it = all->upper_bound(a);
    if (it == all->begin()) return {};
    --it;
    return {it->first, it->second.bytes};
  };
}

} // namespace

API Result cuLaunchKernel(void *h, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz, unsigned shared, void *stream,
                          void **params, void **extra) {
  Call call(__func__);
  if (call.refused) return call.refused;
  const Function *f = function_of(h);
  auto s = stream_of(stream, call.context);
  if (!f || !s || f->module->context != call.context) return call.fail(kInvalidHandle);
  const ptx::Kernel &k = *f->kernel;
  ptx::Launch l{&k, {gx, gy, gz}, {bx, by, bz}, {}, shared, nullptr, (uint64_t)option_number("BUDGET", 4000000000)};
  if (Result r = check_shape(call, k, l.grid, l.block, shared)) return r;
  if (Result r = copy_arguments(call, k, params, extra, l.arguments)) return r;
  Result code = kOutOfResources;
  if (due("FAIL_LAUNCH", k.name, &code)) return call.fail(code, k.name + " was to fail");
  count("launches");
  count("launches." + k.name);
  code = kLaunchFailedError;
  if (due("FAULT_KERNEL", k.name, &code)) {
    push(s, {[code, name = k.name] { return say(name + " was to fault"), code; }, nullptr, nullptr});
    return kSuccess;
  }
  std::shared_ptr<Module> m = module_of(f);
  push(s, {[m, l]() mutable {
             l.lookup = memory_of();
             return run(l);
           },
           nullptr, nullptr});
  return kSuccess;
}
