// Modules and launches: the PTX that is loaded is what runs.
#include "driver.h"

#include <algorithm>
#include <cstring>
#include <thread>
#include <unordered_map>
#include <unordered_set>

#include "../ptx/grid.h"

namespace {

struct Module;
struct Function {
  Module *module;
  const ptx::Kernel *kernel;
};
struct Module {
  Context *context;
  ptx::Module code;
  std::map<std::string, Function> functions;
};
struct Modules {
  std::unordered_map<void *, std::shared_ptr<Module>> all;
  std::unordered_set<void *> functions;
};
Modules &modules() {
  static Modules *m = new Modules;
  return *m;
}

// The newest PTX that the driver's compiler reads: 6.3 as 63. The option wins; else what goes with the version.
int newest_ptx() {
  int driver = (int)option_number("DRIVER_VERSION", 12040), major = driver / 1000, minor = driver % 1000 / 10;
  int by_version = major >= 12 ? 80 + minor : major == 11 ? 70 + minor : major == 10 ? (minor == 0 ? 63 : 63 + minor) : major == 9 ? 60 + minor : 50 + minor;
  return (int)option_number("PTX_VERSION", by_version);
}

bool starts_with(const void *image, const char *with, size_t n) { return !memcmp(image, with, n); }

Result load(Call &call, void **out, const void *image, std::string *log) {
  if (!out || !image) return call.fail(kInvalidValue);
  if (starts_with(image, "\x7f" "ELF", 4) || starts_with(image, "\x50\xed\x55\xba", 4)) return call.fail(kNoBinaryForGpu, *log = "the double reads PTX only");
  auto m = std::make_shared<Module>();
  m->context = call.context;
  try {
    ptx::Text text = ptx::parse((const char *)image);
    if (text.version > newest_ptx()) return call.fail(kUnsupportedPtx, *log = "the PTX is newer than the driver");
    if (text.target > (int)option_number("COMPUTE", 75)) return call.fail(kNoBinaryForGpu, *log = "the PTX is for a newer GPU");
    m->code = ptx::compile(text, [&](size_t bytes, size_t) -> uint64_t {
      Address at;
      return allocate_device(call.context, std::max<size_t>(bytes, 1), &at) ? 0 : at;
    });
  } catch (const ptx::Refusal &refusal) {
    return call.fail(kInvalidPtx, *log = refusal.what());
  } catch (const std::bad_alloc &) {
    return call.fail(kOutOfMemory);
  }
  for (auto &[name, kernel] : m->code.kernels) {
    m->functions[name] = {m.get(), &kernel};
    modules().functions.insert(&m->functions[name]);
  }
  modules().all[m.get()] = m;
  *out = m.get();
  return kSuccess;
}

// Options of the JIT: 5 and 6 are the error log and its size.
void write_log(const std::string &log, unsigned n, const int *options, void **values) {
  char *to = nullptr;
  size_t room = 0;
  for (unsigned i = 0; i < n && options && values; i++) {
    if (options[i] == 5) to = (char *)values[i];
    if (options[i] == 6) room = (size_t)values[i];
  }
  if (to && room) snprintf(to, room, "%s", log.c_str());
}

const Function *function_of(void *h) { return modules().functions.count(h) ? (const Function *)h : nullptr; }

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

Result run(const std::shared_ptr<Module> &, const ptx::Launch &l) {
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

// release_modules forgets the modules of a context that ends; their variables are freed with its memory.
void release_modules(const Context *c) {
  for (auto it = modules().all.begin(); it != modules().all.end();) {
    if (it->second->context != c) {
      ++it;
      continue;
    }
    for (auto &[name, f] : it->second->functions) modules().functions.erase(&f);
    it = modules().all.erase(it);
  }
}

API Result cuModuleLoadDataEx(void **m, const void *image, unsigned n, int *options, void **values) {
  Call call(__func__);
  if (call.refused) return call.refused;
  std::string log;
  Result r = load(call, m, image, &log);
  write_log(log, n, options, values);
  return r;
}
API Result cuModuleLoadData(void **m, const void *image) { return cuModuleLoadDataEx(m, image, 0, nullptr, nullptr); }
API Result cuModuleLoadFatBinary(void **m, const void *image) { return cuModuleLoadDataEx(m, image, 0, nullptr, nullptr); }

API Result cuModuleUnload(void *h) {
  Call call(__func__);
  if (call.refused) return call.refused;
  auto it = modules().all.find(h);
  if (it == modules().all.end()) return call.fail(kInvalidHandle);
  auto m = it->second;
  Result r = finish_all(call.lock, m->context);
  if (!modules().all.erase(h)) return kSuccess;
  for (auto &[name, f] : m->functions) modules().functions.erase(&f);
  for (auto &[name, v] : m->code.variables) free_device(v.first);
  return r;
}

API Result cuModuleGetFunction(void **f, void *h, const char *name) {
  Call call(__func__);
  if (call.refused) return call.refused;
  auto m = modules().all.find(h);
  if (m == modules().all.end()) return call.fail(kInvalidHandle);
  auto it = m->second->functions.find(name);
  if (it == m->second->functions.end()) return call.fail(kNotFound, name);
  *f = &it->second;
  return kSuccess;
}

API Result cuModuleGetGlobal_v2(Address *p, size_t *bytes, void *h, const char *name) {
  Call call(__func__);
  if (call.refused) return call.refused;
  auto m = modules().all.find(h);
  if (m == modules().all.end()) return call.fail(kInvalidHandle);
  auto it = m->second->code.variables.find(name);
  if (it == m->second->code.variables.end()) return call.fail(kNotFound, name);
  if (p) *p = it->second.first;
  if (bytes) *bytes = it->second.second;
  return kSuccess;
}

API Result cuModuleGetGlobal(Address *p, size_t *bytes, void *h, const char *name) { return cuModuleGetGlobal_v2(p, bytes, h, name); }

// Attributes of a function: 0 threads, 1 shared bytes, 3 local bytes, 4 registers, 5 PTX, 6 binary.
API Result cuFuncGetAttribute(int *v, int attribute, void *h) {
  Call call(__func__);
  if (call.refused) return call.refused;
  const Function *f = function_of(h);
  if (!f) return call.fail(kInvalidHandle);
  const int values[] = {1024, (int)f->kernel->shared_bytes, 0, (int)f->kernel->local_bytes, 40, 63, 75};
  *v = attribute >= 0 && attribute < 7 ? values[attribute] : 0;
  return kSuccess;
}
API Result cuFuncSetCacheConfig(void *, int) { return kSuccess; }

API Result cuLaunchKernel(void *h, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz, unsigned shared, void *stream, void **params, void **extra) {
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
    push(s, {[=] { return say(k.name + " was to fault"), code; }, nullptr, nullptr});
    return kSuccess;
  }
  std::shared_ptr<Module> m = modules().all.at(f->module);
  push(s, {[m, l]() mutable {
             l.lookup = memory_of();
             return run(m, l);
           },
           nullptr, nullptr});
  return kSuccess;
}
