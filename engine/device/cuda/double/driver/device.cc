// What there is, and what it is like.
#include "driver.h"

#include <cstdio>
#include <cstring>

int device_count() { return (int)option_number("DEVICES", 1); }
bool exists(int device) { return device >= 0 && device < device_count(); }

API Result cuDriverGetVersion(int *v) { return *v = (int)option_number("DRIVER_VERSION", 12040), kSuccess; }
API Result cuDeviceGetCount(int *n) { return *n = device_count(), has_started() ? kSuccess : kNotInitialized; }
API Result cuDeviceGet(int *d, int i) {
  Call call(__func__, Call::Nothing);
  if (!has_started()) return call.fail(kNotInitialized);
  if (!exists(i)) return call.fail(kInvalidDevice);
  *d = i;
  return kSuccess;
}
API Result cuDeviceGetName(char *to, int room, int device) {
  if (!exists(device)) return kInvalidDevice;
  std::string name = option("NAME");
  snprintf(to, room, "%s", name.empty() ? "streamvet test double" : name.c_str());
  return kSuccess;
}
API Result cuDeviceGetUuid(unsigned char *to, int device) {
  if (!exists(device)) return kInvalidDevice;
  memset(to, 0x42, 16);
  to[15] = (unsigned char)device;
  return kSuccess;
}
API Result cuDeviceGetUuid_v2(unsigned char *to, int device) { return cuDeviceGetUuid(to, device); }
API Result cuDeviceGetPCIBusId(char *to, int room, int device) {
  if (!exists(device)) return kInvalidDevice;
  snprintf(to, room, "0000:%02X:00.0", device + 1);
  return kSuccess;
}
API Result cuDeviceGetByPCIBusId(int *device, const char *id) {
  unsigned bus;
  if (sscanf(id, "%*x:%x", &bus) != 1 || !exists((int)bus - 1)) return kInvalidDevice;
  *device = (int)bus - 1;
  return kSuccess;
}

// Attributes that somebody may act upon; any other is 1.
API Result cuDeviceGetAttribute(int *v, int attribute, int device) {
  if (!exists(device)) return kInvalidDevice;
  static const std::map<int, int> known{
      {1, 1024}, {2, 1024}, {3, 1024}, {4, 64},            // threads of a block, and its sides
      {5, 2147483647}, {6, 65535}, {7, 65535},             // sides of a grid
      {8, 49152}, {9, 65536}, {81, 65536}, {82, 65536},    // shared and constant memory
      {10, 32}, {12, 65536}, {16, 40}, {39, 1024},         // warp, registers, multiprocessors and their threads
      {13, 1590000}, {36, 5001000}, {37, 256}, {38, 4194304}, // clocks, width of the bus, cache
      {14, 512}, {40, 3}, {41, 1},                         // alignment of textures, copy engines, addresses shared with the host
      {17, 0}, {18, 0}, {20, 0}, {34, 0}, {50, 0},         // time limit, integrated, mode, bus, domain
  };
  int compute = (int)option_number("COMPUTE", 75);
  if (attribute == 75) *v = compute / 10;
  else if (attribute == 76) *v = compute % 10;
  else if (attribute == 33) *v = device + 1; // PCI bus
  else if (auto it = known.find(attribute); it != known.end()) *v = it->second;
  else *v = 1;
  return kSuccess;
}
API Result cuDeviceComputeCapability(int *major, int *minor, int device) {
  if (Result r = cuDeviceGetAttribute(major, 75, device)) return r;
  return cuDeviceGetAttribute(minor, 76, device);
}
API Result cuDeviceCanAccessPeer(int *can, int, int) { return *can = 0, kSuccess; }
