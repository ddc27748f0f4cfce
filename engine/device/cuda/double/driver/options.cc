// Options and faults. They come from environment variables STREAMVET_DOUBLE_<NAME> when the library
// is loaded, and from streamvet_double_set. README.md lists them.
#include "driver.h"

#include <algorithm>
#include <cstring>
#include <set>

extern char **environ;

namespace {

struct Option {
  std::string value;
  uint64_t seen = 0; // occurrences since it was set
};

const std::set<std::string> kNames{
    "VERBOSE", "DEVICES", "MEMORY", "DRIVER_VERSION", "PTX_VERSION", "COMPUTE", "NAME", "THREADS", "BUDGET",
    "NO_DEVICE", "FAIL_ALLOC", "FAIL_LAUNCH", "FAULT_KERNEL", "LOSE_DEVICE",
    "REFUSE_DECODER", "FAIL_MAP", "FAIL_DECODE", "MAP_LIMIT", "TAPES", "STAMP", "SMALL", "NVDECS",
    "NVML_DRIVER", "NVML_GPU", "NVML_DECODER"};

const char kPrefix[] = "STREAMVET_DOUBLE_";

struct Options {
  std::mutex lock;
  std::map<std::string, Option> all;

  Options() { from_environment(); }
  void from_environment() {
    size_t n = strlen(kPrefix);
    for (char **e = environ; e && *e; e++) {
      const char *equals = strchr(*e, '=');
      if (!equals || strncmp(*e, kPrefix, n)) continue;
      std::string name((const char *)*e + n, equals);
      if (kNames.count(name)) all[name].value = equals + 1;
      else fprintf(stderr, "double: there is no option %s%s\n", kPrefix, name.c_str());
    }
  }
};

Options &options() {
  static Options *o = new Options;
  return *o;
}

std::vector<std::string> split(const std::string &s, char by) {
  std::vector<std::string> parts(1);
  for (char c : s) {
    if (c == by) parts.emplace_back();
    else parts.back() += c;
  }
  return parts;
}

} // namespace

std::string option(const std::string &name) {
  std::lock_guard<std::mutex> guard(options().lock);
  auto it = options().all.find(name);
  return it == options().all.end() ? "" : it->second.value;
}

// A number may end in K, M or G.
int64_t option_number(const std::string &name, int64_t otherwise) {
  std::string v = option(name);
  if (v.empty()) return otherwise;
  char *end;
  int64_t n = strtoll(v.c_str(), &end, 0);
  switch (*end) {
  case 'K': return n << 10;
  case 'M': return n << 20;
  case 'G': return n << 30;
  }
  return n;
}

bool due(const std::string &name, const std::string &what, Result *code) {
  std::lock_guard<std::mutex> guard(options().lock);
  auto it = options().all.find(name);
  if (it == options().all.end() || it->second.value.empty()) return false;
  std::vector<std::string> parts = split(it->second.value, ':');
  if (!what.empty()) {
    if (parts[0] != what && parts[0] != "*") return false;
    parts.erase(parts.begin());
  }
  if (parts.size() > 1 && code) *code = atoi(parts[1].c_str());
  uint64_t n = parts.empty() ? 1 : strtoull(parts[0].c_str(), nullptr, 10), seen = ++it->second.seen;
  bool onwards = !parts.empty() && parts[0].find('+') != std::string::npos;
  return onwards ? seen >= n : seen == n;
}

// streamvet_double_set sets an option, or clears it with an empty value; 0 if there is none of that name.
API int streamvet_double_set(const char *name, const char *value) {
  if (!kNames.count(name)) return 0;
  std::lock_guard<std::mutex> guard(options().lock);
  options().all[name] = {value, 0};
  return 1;
}

API void streamvet_double_reset() {
  forget_counters();
  std::lock_guard<std::mutex> guard(options().lock);
  options().all.clear();
  options().from_environment();
}

// What libnvcuvid.so.1 and libnvidia-ml.so.1 of the double ask for.
API size_t streamvet_double_option(const char *name, char *to, size_t room) {
  std::string v = option(name);
  if (room) {
    size_t n = std::min(room - 1, v.size());
    memcpy(to, v.data(), n);
    to[n] = 0;
  }
  return v.size();
}
API int streamvet_double_due(const char *name, int *code) { return due(name, "", code); }
