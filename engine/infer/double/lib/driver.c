// A double of libcuda.so.1, as much of it as engine/infer asks for. The environment says of which version
// it is: CUDA's, as the driver numbers it.
#include <stdlib.h>

int cuInit(unsigned flags) { return 0; }
int cuDriverGetVersion(int *v) {
  const char *version = getenv("STREAMVET_DOUBLE_DRIVER");
  return *v = version ? atoi(version) : 13000, 0;
}
int cuCtxPushCurrent_v2(void *context) { return context ? 0 : 201; }
int cuCtxPopCurrent_v2(void **context) { return 0; }
int cuCtxGetDevice(int *device) { return *device = 0, 0; }
