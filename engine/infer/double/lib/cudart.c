// A double of libcudart.so.13, as much of it as ONNX Runtime 1.29's CUDA and TensorRT providers import.
// Memory is the host's and copies are real; kernels do nothing. What is launched, where, and what is
// copied or waited for is counted. One GPU, compute capability 8.6.
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "double.h"

typedef struct { unsigned x, y, z; } dim3;
typedef void *stream;

struct double_counts double_counts;
static stream expected;
static int fault_code, fault_kind, fault_after, last_error;

void double_reset(void *s) {
  memset(&double_counts, 0, sizeof double_counts);
  expected = s;
}

void double_fail(int kind, int after, int code) { fault_kind = kind, fault_after = after, fault_code = code; }

// fault counts calls of a kind down and gives the code that the chosen one returns.
static int fault(int kind) {
  if (kind != fault_kind || fault_after-- > 0) return 0;
  return last_error = fault_code;
}

// lost gives the code of every call once the GPU is lost.
static int lost(void) { return fault_kind == DOUBLE_ALL && fault_after < 0 ? last_error = fault_code : 0; }

static void on(stream s) { double_counts.elsewhere += expected && s != expected; }

// double_work is a launch that another library of the double makes.
int double_work(void *s, const void *first) {
  if (!double_counts.launches++) double_counts.first = first;
  on(s);
  int err = fault(DOUBLE_LAUNCH);
  return err ? err : fault(DOUBLE_ALL);
}

static int launch(void **args, stream s) {
  return double_work(s, args && args[0] ? *(void **)args[0] : 0);
}

// Host functions run when somebody waits, as late as they may. What they call of CUDA fails, as with NVIDIA's.
static struct host_func { struct host_func *next; stream s; void (*f)(void *); void *data; } *host_funcs;
static pthread_mutex_t host_funcs_lock = PTHREAD_MUTEX_INITIALIZER;
static __thread int in_host_func;

int cudaLaunchHostFunc(stream s, void (*f)(void *), void *data) {
  struct host_func *h = malloc(sizeof *h), **last = &host_funcs;
  *h = (struct host_func){0, s, f, data};
  pthread_mutex_lock(&host_funcs_lock);
  while (*last) last = &(*last)->next;
  *last = h;
  pthread_mutex_unlock(&host_funcs_lock);
  return on(s), lost();
}

// waited runs the host functions of a stream; of all streams without one.
static int waited(stream s) {
  double_counts.syncs++;
  pthread_mutex_lock(&host_funcs_lock);
  for (struct host_func **at = &host_funcs; *at;) {
    struct host_func *h = *at;
    if (s && h->s != s) {
      at = &h->next;
      continue;
    }
    *at = h->next;
    in_host_func = 1;
    h->f(h->data);
    in_host_func = 0;
    free(h);
  }
  pthread_mutex_unlock(&host_funcs_lock);
  return lost();
}

static int permitted(void) { return in_host_func ? last_error = 800 : 0; }

// The device.
int cudaGetDeviceCount(int *n) { return *n = 1, 0; }
int cudaGetDevice(int *d) { return *d = 0, permitted(); }
int cudaSetDevice(int d) { return d == 0 ? lost() : 101; }
int cudaRuntimeGetVersion(int *v) { return *v = 13000, 0; }
int cudaDriverGetVersion(int *v) { return *v = 13000, 0; }
int cudaMemGetInfo(size_t *free, size_t *total) { return *free = 15ull << 30, *total = 16ull << 30, 0; }
int cudaDeviceSynchronize(void) { return waited(0); }

// Offsets into CUDA 13's struct cudaDeviceProp.
int cudaGetDeviceProperties(char *p, int d) {
  int threads[3] = {1024, 1024, 64}, grid[3] = {2147483647, 65535, 65535};
  memset(p, 0, 720);
  strcpy(p, "a double");
  *(size_t *)(p + 288) = 16ull << 30; // totalGlobalMem
  *(size_t *)(p + 296) = 49152;       // sharedMemPerBlock
  *(int *)(p + 304) = 65536;          // regsPerBlock
  *(int *)(p + 308) = 32;             // warpSize
  *(int *)(p + 320) = 1024;           // maxThreadsPerBlock
  memcpy(p + 324, threads, sizeof threads);
  memcpy(p + 336, grid, sizeof grid);
  *(size_t *)(p + 352) = 65536; // totalConstMem
  *(int *)(p + 360) = 8;        // major
  *(int *)(p + 364) = 6;        // minor
  *(int *)(p + 384) = 80;
  *(int *)(p + 388) = 80; // multiProcessorCount
  return 0;
}

int cudaDeviceGetAttribute(int *v, int attribute, int d) {
  switch (attribute) {
    case 1: *v = 1024; break;  // threads of a block
    case 10: *v = 32; break;   // warp
    case 16: *v = 80; break;   // multiprocessors
    case 75: *v = 8; break;    // major
    case 76: *v = 6; break;    // minor
    default: *v = 65536;
  }
  return 0;
}

// Memory.
static int allocate(void **p, size_t n) {
  int err = fault(DOUBLE_MALLOC);
  if (err || (err = lost())) return err;
  double_counts.allocations++;
  return (*p = aligned_alloc(256, (n + 255) & ~(size_t)255)) ? 0 : 2;
}
int cudaMalloc(void **p, size_t n) { return allocate(p, n); }
int cudaMallocHost(void **p, size_t n) { return allocate(p, n); }
int cudaHostAlloc(void **p, size_t n, unsigned flags) { return allocate(p, n); }
int cudaMallocFromPoolAsync(void **p, size_t n, void *pool, stream s) { return allocate(p, n); }
static int give_back(void *p) {
  int err = permitted();
  return err ? err : (free(p), lost());
}
int cudaFree(void *p) { return give_back(p); }
int cudaFreeHost(void *p) { return give_back(p); }
int cudaFreeAsync(void *p, stream s) { return free(p), 0; }
int cudaMemPoolCreate(void **p, const void *props) { return *p = (void *)0x79, 0; }

static int copy(void *to, const void *from, size_t n, int kind) {
  if (lost()) return fault_code;
  memcpy(to, from, n);
  if (kind == 1) double_counts.to_device++;
  else if (kind == 2) double_counts.to_host++;
  return 0;
}
int cudaMemcpy(void *to, const void *from, size_t n, int kind) { return double_counts.syncs++, copy(to, from, n, kind); }
int cudaMemcpyAsync(void *to, const void *from, size_t n, int kind, stream s) { return on(s), copy(to, from, n, kind); }
int cudaMemcpy2DAsync(void *to, size_t tp, const void *from, size_t fp, size_t w, size_t h, int kind, stream s) {
  for (size_t i = 0; i + 1 < h; i++) memcpy((char *)to + i * tp, (const char *)from + i * fp, w);
  return on(s), h ? copy((char *)to + (h - 1) * tp, (const char *)from + (h - 1) * fp, w, kind) : 0;
}
int cudaMemset(void *p, int v, size_t n) { return memset(p, v, n), 0; }
int cudaMemsetAsync(void *p, int v, size_t n, stream s) { return on(s), memset(p, v, n), 0; }

// Streams and events are numbers; all work but host functions is done when it is queued.
static uintptr_t number(void) {
  static uintptr_t n = 0x5000;
  return __sync_add_and_fetch(&n, 16);
}
int cudaStreamCreate(stream *s) { return *s = (stream)number(), 0; }
int cudaStreamCreateWithFlags(stream *s, unsigned flags) { return *s = (stream)number(), 0; }
int cudaStreamSynchronize(stream s) { return waited(s); }
int cudaStreamWaitEvent(stream s, void *e, unsigned flags) { return on(s), 0; }
int cudaEventCreate(void **e) { return *e = (void *)number(), 0; }
int cudaEventCreateWithFlags(void **e, unsigned flags) { return *e = (void *)number(), 0; }
int cudaEventRecord(void *e, stream s) { return lost(); }
int cudaEventSynchronize(void *e) { return waited(0); }
int cudaEventElapsedTime(float *ms, void *a, void *b) { return *ms = 0, 0; }

// Launches.
int cudaLaunchKernel(const void *f, dim3 g, dim3 b, void **args, size_t shared, stream s) { return launch(args, s); }
int __cudaLaunchKernel(void *f, dim3 g, dim3 b, void **args, size_t shared, stream s) { return launch(args, s); }
typedef struct { dim3 g, b; size_t shared; stream s; void *attributes; unsigned n; } config;
int cudaLaunchKernelExC(const config *c, const void *f, void **args) { return launch(args, c->s); }
static __thread config pushed;
unsigned __cudaPushCallConfiguration(dim3 g, dim3 b, size_t shared, stream s) {
  pushed = (config){g, b, shared, s, 0, 0};
  return 0;
}
int __cudaPopCallConfiguration(dim3 *g, dim3 *b, size_t *shared, void *s) {
  *g = pushed.g, *b = pushed.b, *shared = pushed.shared, *(stream *)s = pushed.s;
  return 0;
}
int __cudaGetKernel(void **kernel, const void *f) { return *kernel = (void *)f, 0; }
void **__cudaRegisterFatBinary(void *p) {
  static void *handle[4];
  return handle;
}
int cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int *n, const void *f, int size, size_t shared, unsigned flags) { return *n = 1, 0; }
int cudaFuncGetAttributes(char *a, const void *f) { return memset(a, 0, 144), 0; }

// Graphs.
int cudaStreamBeginCapture(stream s, int mode) { return on(s), double_counts.captures++, 0; }
int cudaStreamEndCapture(stream s, void **g) { return *g = (void *)0x77, 0; }
int cudaStreamIsCapturing(stream s, int *status) { return *status = 0, 0; }
int cudaGraphInstantiate(void **e, void *g, unsigned long long flags) { return *e = (void *)0x78, 0; }
int cudaGraphLaunch(void *e, stream s) { return on(s), double_counts.graphs++, lost(); }
int cudaGraphExecDestroy(void *e) { return lost(); }
int cudaStreamDestroy(stream s) { return lost(); }
int cudaEventDestroy(void *e) { return lost(); }

// Errors.
int cudaGetLastError(void) {
  int e = last_error;
  last_error = 0;
  return e;
}
int cudaPeekAtLastError(void) { return last_error; }
const char *cudaGetErrorString(int e) { return "an error of the double"; }
const char *cudaGetErrorName(int e) {
  return e == 2 ? "cudaErrorMemoryAllocation" : e == 700 ? "cudaErrorIllegalAddress" : e == 719 ? "cudaErrorLaunchFailure" : "cudaErrorOther";
}
int cudaGetDriverEntryPointByVersion(const char *name, void **f, unsigned v, unsigned long long flags, int *status) {
  *f = (void *)cudaPeekAtLastError;
  if (status) *status = 0;
  return 0;
}

// What has nothing to do here.
#define NOTHING(name) int name(void) { return 0; }
NOTHING(__cudaRegisterFatBinaryEnd) NOTHING(__cudaRegisterFunction) NOTHING(__cudaRegisterVar) NOTHING(__cudaUnregisterFatBinary)
NOTHING(cudaGraphDestroy)
NOTHING(cudaFuncSetAttribute) NOTHING(cudaKernelSetAttributeForDevice) NOTHING(cudaMemcpyFromSymbol)
NOTHING(cudaLibraryGetKernel) NOTHING(cudaLibraryLoadData) NOTHING(cudaLibraryUnload)
NOTHING(cudaMemPoolDestroy) NOTHING(cudaMemPoolGetAttribute) NOTHING(cudaMemPoolSetAttribute) NOTHING(cudaMemPoolTrimTo)
