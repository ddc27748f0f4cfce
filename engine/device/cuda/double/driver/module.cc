// Modules: PTX that is compiled for the interpreter.
#include "module.h"

#include <algorithm>
#include <cstring>
#include <unordered_map>
#include <unordered_set>

namespace {

struct Modules {
  std::unordered_map<void *, std::shared_ptr<Module>> all;
  std::unordered_set<void *> functions;
  // The PTX that was compiled last, and what became of it: programs load the same again and again.
  std::string image;
  std::shared_ptr<const ptx::Module> compiled;
};
Modules &modules() {
  static Modules *m = new Modules;
  return *m;
}

// The newest PTX that the driver's compiler reads: 6.3 as 63. The option wins; else what goes with the version.
int newest_ptx() {
  int driver = (int)option_number("DRIVER_VERSION", 12040), major = driver / 1000, minor = driver % 1000 / 10;
  // 12.4 reads 8.4, 11.8 reads 7.8, 10.0 reads 6.3, 9.2 reads 6.2.
  int with_version = (major >= 11 ? major - 4 : major >= 9 ? 6 : 5) * 10 + minor + (major == 10 ? 3 : 0);
  return (int)option_number("PTX_VERSION", with_version);
}

bool starts_with(const void *image, const char *with, size_t n) { return !memcmp(image, with, n); }

// compile gives the result of the call; variables of the module that it had made are freed if it fails.
Result compile(Call &call, const char *image, std::shared_ptr<const ptx::Module> *to, std::string *log) {
  std::vector<Address> made;
  auto allocate = [&](size_t bytes, size_t) -> uint64_t {
    Address at;
    if (allocate_device(call.context, std::max<size_t>(bytes, 1), &at)) return 0;
    made.push_back(at);
    return at;
  };
  Result r = kSuccess;
  try {
    ptx::Text text = ptx::parse(image);
    if (text.version > newest_ptx()) return call.fail(kUnsupportedPtx, *log = "the PTX is newer than the driver");
    if (text.target > (int)option_number("COMPUTE", 75)) return call.fail(kNoBinaryForGpu, *log = "the PTX is for a newer GPU");
    *to = std::make_shared<ptx::Module>(ptx::compile(text, allocate));
    return kSuccess;
  } catch (const ptx::Refusal &refusal) {
    r = call.fail(kInvalidPtx, *log = refusal.what());
  } catch (const std::bad_alloc &) {
    r = call.fail(kOutOfMemory, *log = "no memory for the variables");
  }
  for (Address a : made) free_device(a);
  return r;
}

Result load(Call &call, void **out, const void *image, std::string *log) {
  if (!out || !image) return call.fail(kInvalidValue);
  bool cubin = starts_with(image, "\x7f" "ELF", 4), fatbin = starts_with(image, "\x50\xed\x55\xba", 4);
  if (cubin || fatbin) return call.fail(kNoBinaryForGpu, *log = "the double reads PTX only");
  auto m = std::make_shared<Module>();
  m->context = call.context;
  bool again = modules().compiled && modules().image == (const char *)image && option("PTX_VERSION").empty() && option("DRIVER_VERSION").empty();
  if (again) m->code = modules().compiled;
  else if (Result r = compile(call, (const char *)image, &m->code, log)) return r;
  if (m->code->variables.empty()) modules().image = (const char *)image, modules().compiled = m->code;
  for (auto &[name, kernel] : m->code->kernels) {
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

} // namespace

const Function *function_of(void *handle) { return modules().functions.count(handle) ? (const Function *)handle : nullptr; }
std::shared_ptr<Module> module_of(const Function *f) { return modules().all.at(f->module); }

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
  for (auto &[name, v] : m->code->variables) free_device(v.first);
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
  auto it = m->second->code->variables.find(name);
  if (it == m->second->code->variables.end()) return call.fail(kNotFound, name);
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
