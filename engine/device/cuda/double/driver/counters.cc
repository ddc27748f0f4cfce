// What happened, by name.
#include "driver.h"

#include <algorithm>
#include <cstring>

namespace {

struct Counters {
  std::mutex lock;
  std::map<std::string, uint64_t> all;
};
Counters &counters() {
  static Counters *c = new Counters;
  return *c;
}

bool is_level(const std::string &name) { return name.compare(0, 5, "live.") == 0; }

} // namespace

void count(const std::string &name, uint64_t n) {
  std::lock_guard<std::mutex> guard(counters().lock);
  counters().all[name] += n;
}

uint64_t counter(const std::string &name) {
  std::lock_guard<std::mutex> guard(counters().lock);
  auto it = counters().all.find(name);
  return it == counters().all.end() ? 0 : it->second;
}

// forget_counters keeps what is a level and no count: the live allocations.
void forget_counters() {
  std::lock_guard<std::mutex> guard(counters().lock);
  for (auto it = counters().all.begin(); it != counters().all.end();) it = is_level(it->first) ? std::next(it) : counters().all.erase(it);
  for (auto &[name, n] : std::map<std::string, uint64_t>(counters().all)) counters().all["peak." + name.substr(5)] = n;
}

// streamvet_double_level changes a level and its peak.
API void streamvet_double_level(const char *name, int64_t by) {
  std::lock_guard<std::mutex> guard(counters().lock);
  uint64_t &now = counters().all[std::string("live.") + name], &peak = counters().all[std::string("peak.") + name];
  now += by;
  peak = std::max(peak, now);
}
API void streamvet_double_count(const char *name, uint64_t n) { count(name, n); }

// streamvet_double_counters writes all counters, "name value" a line, at one moment. It gives the bytes
// that it needs.
API size_t streamvet_double_counters(char *to, size_t room) {
  std::string text;
  {
    std::lock_guard<std::mutex> guard(counters().lock);
    for (auto &[name, n] : counters().all) text += name + " " + std::to_string(n) + "\n";
  }
  if (text.size() < room) memcpy(to, text.c_str(), text.size() + 1);
  return text.size() + 1;
}
