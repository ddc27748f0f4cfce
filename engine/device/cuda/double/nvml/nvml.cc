// The part of NVML that tells how a device is doing. Numbers come from options and from what the
// double's driver has allocated.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "../inside.h"

#define API extern "C" __attribute__((visibility("default")))

extern "C" {
int cuDriverGetVersion(int *);
int cuDeviceGetName(char *, int, int);
int cuDeviceGetUuid(unsigned char *, int);
int cuDeviceGetPCIBusId(char *, int, int);
}

namespace {

enum : int { kSuccess = 0, kUninitialized = 1, kInvalidArgument = 2, kNotSupported = 3, kNotFound = 6, kNoDriver = 9 };

std::string option(const char *name, const char *otherwise) {
  std::string v(streamvet_double_option(name, nullptr, 0), 0);
  streamvet_double_option(name, v.data(), v.size() + 1);
  return v.empty() ? otherwise : v;
}
unsigned number(const char *name, const char *otherwise) { return (unsigned)strtoul(option(name, otherwise).c_str(), nullptr, 10); }

bool started = false;
int devices() { return (int)number("DEVICES", "1"); }

// A device's handle is its number, counted from 1.
int index_of(void *d) { return (int)(intptr_t)d - 1; }
bool known(void *d) { return index_of(d) >= 0 && index_of(d) < devices(); }

std::string uuid(int device) {
  unsigned char b[16];
  if (cuDeviceGetUuid(b, device)) return "";
  std::string s = "GPU-";
  for (int i = 0; i < 16; i++) {
    char hex[4];
    snprintf(hex, sizeof hex, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", b[i]);
    s += hex;
  }
  return s;
}

int write(char *to, unsigned room, const std::string &s) {
  if (s.size() >= room) return 7; // insufficient size
  memcpy(to, s.c_str(), s.size() + 1);
  return kSuccess;
}

struct Memory { unsigned long long total, free, used; };
struct MemoryV2 { unsigned version; unsigned long long total, reserved, free, used; };
struct Utilization { unsigned gpu, memory; };
struct Pci { char legacy[16]; unsigned domain, bus, device, id, subsystem; char bus_id[32]; };

} // namespace

API int nvmlInit_v2() {
  if (!option("NO_DEVICE", "").empty()) return kNoDriver;
  started = true;
  return kSuccess;
}
API int nvmlInit() { return nvmlInit_v2(); }
API int nvmlInitWithFlags(unsigned) { return nvmlInit_v2(); }
API int nvmlShutdown() { return started = false, kSuccess; }

API const char *nvmlErrorString(int r) {
  switch (r) {
  case kSuccess: return "Success";
  case kUninitialized: return "Uninitialized";
  case kNotSupported: return "Not Supported";
  case kNotFound: return "Not Found";
  case kNoDriver: return "Driver Not Loaded";
  }
  return "Invalid Argument";
}
API int nvmlSystemGetDriverVersion(char *to, unsigned room) { return write(to, room, option("NVML_DRIVER", "550.54.15")); }
API int nvmlSystemGetNVMLVersion(char *to, unsigned room) { return write(to, room, "12." + option("NVML_DRIVER", "550.54.15")); }
API int nvmlSystemGetCudaDriverVersion_v2(int *v) { return cuDriverGetVersion(v), kSuccess; }
API int nvmlSystemGetCudaDriverVersion(int *v) { return nvmlSystemGetCudaDriverVersion_v2(v); }

API int nvmlDeviceGetCount_v2(unsigned *n) { return *n = (unsigned)devices(), started ? kSuccess : kUninitialized; }
API int nvmlDeviceGetCount(unsigned *n) { return nvmlDeviceGetCount_v2(n); }
API int nvmlDeviceGetHandleByIndex_v2(unsigned i, void **d) {
  if (!started) return kUninitialized;
  if ((int)i >= devices()) return kInvalidArgument;
  *d = (void *)(intptr_t)(i + 1);
  return kSuccess;
}
API int nvmlDeviceGetHandleByIndex(unsigned i, void **d) { return nvmlDeviceGetHandleByIndex_v2(i, d); }
API int nvmlDeviceGetHandleByUUID(const char *id, void **d) {
  for (int i = 0; i < devices(); i++)
    if (uuid(i) == id) return nvmlDeviceGetHandleByIndex_v2((unsigned)i, d);
  return kNotFound;
}
API int nvmlDeviceGetHandleByPciBusId_v2(const char *id, void **d) {
  unsigned domain, bus;
  if (sscanf(id, "%x:%x", &domain, &bus) != 2 || (int)bus > devices() || !bus) return kNotFound;
  return nvmlDeviceGetHandleByIndex_v2(bus - 1, d);
}
API int nvmlDeviceGetHandleByPciBusId(const char *id, void **d) { return nvmlDeviceGetHandleByPciBusId_v2(id, d); }
API int nvmlDeviceGetIndex(void *d, unsigned *i) { return *i = (unsigned)index_of(d), known(d) ? kSuccess : kInvalidArgument; }
API int nvmlDeviceGetName(void *d, char *to, unsigned room) {
  return known(d) && !cuDeviceGetName(to, (int)room, index_of(d)) ? kSuccess : kInvalidArgument;
}
API int nvmlDeviceGetUUID(void *d, char *to, unsigned room) { return known(d) ? write(to, room, uuid(index_of(d))) : kInvalidArgument; }
API int nvmlDeviceGetPciInfo_v3(void *d, Pci *p) {
  if (!known(d)) return kInvalidArgument;
  *p = {};
  p->bus = (unsigned)index_of(d) + 1;
  cuDeviceGetPCIBusId(p->legacy, sizeof p->legacy, index_of(d));
  snprintf(p->bus_id, sizeof p->bus_id, "00000000:%02X:00.0", p->bus);
  return kSuccess;
}
API int nvmlDeviceGetMemoryInfo(void *d, Memory *m) {
  if (!known(d)) return kInvalidArgument;
  m->total = streamvet_double_memory_total(index_of(d));
  m->used = streamvet_double_memory_used(index_of(d));
  m->free = m->total - std::min(m->used, m->total);
  return kSuccess;
}
API int nvmlDeviceGetMemoryInfo_v2(void *d, MemoryV2 *m) {
  Memory v1;
  if (int r = nvmlDeviceGetMemoryInfo(d, &v1)) return r;
  m->total = v1.total, m->reserved = 0, m->free = v1.free, m->used = v1.used;
  return kSuccess;
}
API int nvmlDeviceGetUtilizationRates(void *d, Utilization *u) {
  *u = {number("NVML_GPU", "0"), 0};
  return known(d) ? kSuccess : kInvalidArgument;
}
API int nvmlDeviceGetDecoderUtilization(void *d, unsigned *percent, unsigned *microseconds) {
  *percent = number("NVML_DECODER", "0");
  *microseconds = 166000;
  return known(d) ? kSuccess : kInvalidArgument;
}
// Of a T4, whatever the clock.
API int nvmlDeviceGetMaxClockInfo(void *d, unsigned, unsigned *megahertz) { return *megahertz = 1470, known(d) ? kSuccess : kInvalidArgument; }
API int nvmlDeviceGetCudaComputeCapability(void *d, int *major, int *minor) { return *major = 7, *minor = 5, known(d) ? kSuccess : kInvalidArgument; }
