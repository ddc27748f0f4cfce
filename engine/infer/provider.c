#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shim.h"

const OrtApi *infer_api(void);

char *infer_preload(const char *path) {
  dlerror();
  return dlopen(path, RTLD_LAZY | RTLD_GLOBAL) ? NULL : strdup(dlerror());
}

// driver finds a call of the driver that was preloaded.
static void *driver(const char *name) {
  void *lib = dlopen("libcuda.so.1", RTLD_LAZY | RTLD_NOLOAD), *call = NULL;
  if (lib) {
    call = dlsym(lib, name);
    dlclose(lib); // it stays, preloaded
  }
  return call;
}

int infer_driver(void) {
  int version, (*get)(int *) = (int (*)(int *))driver("cuDriverGetVersion");
  return get && !get(&version) ? version : -1;
}

int infer_ordinal(void *context) {
  int (*push)(void *) = (int (*)(void *))driver("cuCtxPushCurrent_v2");
  int (*pop)(void **) = (int (*)(void **))driver("cuCtxPopCurrent_v2");
  int (*get)(int *) = (int (*)(int *))driver("cuCtxGetDevice");
  int device = -1;
  void *popped;
  if (!push || !pop || !get || push(context)) return -1;
  if (get(&device)) device = -1;
  pop(&popped);
  return device;
}

int infer_fix_signals(void) {
  int fixed = 0;
  for (int i = 1; i < NSIG; i++) {
    struct sigaction a;
    if (sigaction(i, NULL, &a) || a.sa_handler == SIG_DFL || a.sa_handler == SIG_IGN || a.sa_flags & SA_ONSTACK) continue;
    a.sa_flags |= SA_ONSTACK;
    fixed += !sigaction(i, &a, NULL);
  }
  return fixed;
}

// take copies a text that ONNX Runtime allocated, and frees it.
static OrtStatus *take(OrtAllocator *mem, char *own, char **text) {
  *text = strdup(own);
  return infer_api()->AllocatorFree(mem, own);
}

OrtStatus *infer_cuda_options(const OrtCUDAProviderOptionsV2 *o, char **text) {
  OrtAllocator *mem;
  char *own;
  OrtStatus *s = infer_api()->GetAllocatorWithDefaultOptions(&mem);
  if (!s) s = infer_api()->GetCUDAProviderOptionsAsString(o, mem, &own);
  return s ? s : take(mem, own, text);
}

OrtStatus *infer_tensorrt_options(const OrtTensorRTProviderOptionsV2 *o, char **text) {
  OrtAllocator *mem;
  char *own;
  OrtStatus *s = infer_api()->GetAllocatorWithDefaultOptions(&mem);
  if (!s) s = infer_api()->GetTensorRTProviderOptionsAsString(o, mem, &own);
  return s ? s : take(mem, own, text);
}

OrtStatus *infer_axis(const OrtSession *session, size_t i, char **name) {
  const OrtApi *api = infer_api();
  const OrtTensorTypeAndShapeInfo *info = NULL;
  const char *names[INFER_MAX_RANK] = {0};
  OrtTypeInfo *type;
  size_t rank = 0;
  *name = strdup("");
  OrtStatus *s = api->SessionGetInputTypeInfo(session, 0, &type);
  if (s) return s;
  s = api->CastTypeInfoToTensorInfo(type, &info);
  if (!s && info) s = api->GetDimensionsCount(info, &rank);
  if (!s && i < rank && rank <= INFER_MAX_RANK && !(s = api->GetSymbolicDimensions(info, names, rank)) && names[i]) {
    free(*name);
    *name = strdup(names[i]);
  }
  api->ReleaseTypeInfo(type);
  return s;
}

OrtStatus *infer_fix(OrtSessionOptions *o, const char *name, int64_t size) {
  return infer_api()->AddFreeDimensionOverrideByName(o, name, size);
}

OrtAllocator *infer_pinned(const OrtSession *session, int gpu) {
  const OrtApi *api = infer_api();
  OrtMemoryInfo *memory;
  OrtAllocator *pinned = NULL;
  OrtStatus *s = api->CreateMemoryInfo("CudaPinned", OrtDeviceAllocator, gpu, OrtMemTypeCPUOutput, &memory);
  if (!s) {
    s = api->CreateAllocator(session, memory, &pinned);
    api->ReleaseMemoryInfo(memory);
  }
  if (s) api->ReleaseStatus(s);
  return pinned;
}

void infer_unpin(OrtAllocator *pinned) { infer_api()->ReleaseAllocator(pinned); }

static OrtStatus *list_nodes(const OrtEpAssignedSubgraph *g, FILE *f) {
  const OrtApi *api = infer_api();
  const OrtEpAssignedNode *const *nodes;
  size_t n;
  OrtStatus *s = api->EpAssignedSubgraph_GetNodes(g, &nodes, &n);
  for (size_t i = 0; !s && i < n; i++) {
    const char *type;
    if (!(s = api->EpAssignedNode_GetOperatorType(nodes[i], &type))) fprintf(f, "%s\n", type);
  }
  return s;
}

OrtStatus *infer_left_to(const OrtSession *session, const char *ep, char **text) {
  const OrtApi *api = infer_api();
  const OrtEpAssignedSubgraph *const *graphs;
  size_t n, size;
  OrtStatus *s = api->Session_GetEpGraphAssignmentInfo(session, &graphs, &n);
  if (s) return s;
  FILE *f = open_memstream(text, &size);
  if (!f) return api->CreateStatus(ORT_FAIL, "no memory");
  for (size_t i = 0; !s && i < n; i++) {
    const char *name;
    s = api->EpAssignedSubgraph_GetEpName(graphs[i], &name);
    if (!s && !strcmp(name, ep)) s = list_nodes(graphs[i], f);
  }
  fclose(f);
  return s;
}
