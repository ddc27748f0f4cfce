#include "shim.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// One library a process: ONNX Runtime keeps its environment in it.
static const OrtApi *api;

const OrtApi *infer_api(void) { return api; }

typedef const OrtApiBase *(*get_base)(void);

static char *base_of(void *lib, const OrtApiBase **base) {
  get_base f = (get_base)dlsym(lib, "OrtGetApiBase");
  if (!f) return strdup("it is not ONNX Runtime (no OrtGetApiBase in it)");
  *base = f();
  return *base ? NULL : strdup("OrtGetApiBase gives nothing");
}

char *infer_probe(const char *path, const char *series, char *version, size_t cap) {
  void *lib = dlopen(path, RTLD_LAZY | RTLD_LOCAL);
  if (!lib) return strdup(dlerror());
  const OrtApiBase *base;
  char *err = base_of(lib, &base);
  if (!err) snprintf(version, cap, "%s", base->GetVersionString());
  // The right one stays loaded: mapping 23 MB twice is slow, and it is never unloaded anyway.
  if (err || strncmp(version, series, strlen(series))) dlclose(lib);
  return err;
}

char *infer_attach(const char *path) {
  void *lib = dlopen(path, RTLD_LAZY | RTLD_NOLOAD);
  if (!lib) return strdup("the wrapper has not loaded it");
  const OrtApiBase *base;
  char *err = base_of(lib, &base);
  if (!err && !(api = base->GetApi(ORT_API_VERSION))) err = strdup("it does not know the API of our headers");
  dlclose(lib); // the wrapper's reference keeps it
  return err;
}

char *infer_error(OrtStatus *s, int *code) {
  *code = api->GetErrorCode(s);
  char *msg = strdup(api->GetErrorMessage(s));
  api->ReleaseStatus(s);
  return msg;
}

OrtStatus *infer_count(const OrtSession *s, int outputs, size_t *n) {
  return outputs ? api->SessionGetOutputCount(s, n) : api->SessionGetInputCount(s, n);
}

static OrtStatus *read_shape(const OrtTensorTypeAndShapeInfo *info, infer_port *p) {
  enum ONNXTensorElementDataType type;
  OrtStatus *s = api->GetTensorElementType(info, &type);
  if (s || (s = api->GetDimensionsCount(info, &p->rank))) return s;
  p->type = (int)type;
  return api->GetDimensions(info, p->dims, p->rank < INFER_MAX_RANK ? p->rank : INFER_MAX_RANK);
}

OrtStatus *infer_describe(const OrtSession *session, int output, size_t i, infer_port *p) {
  OrtAllocator *mem;
  OrtTypeInfo *type = NULL;
  const OrtTensorTypeAndShapeInfo *info = NULL;
  char *name;
  memset(p, 0, sizeof *p);
  OrtStatus *s = api->GetAllocatorWithDefaultOptions(&mem);
  if (s) return s;
  s = output ? api->SessionGetOutputName(session, i, mem, &name) : api->SessionGetInputName(session, i, mem, &name);
  if (s) return s;
  p->name = strdup(name);
  if ((s = api->AllocatorFree(mem, name))) return s;
  s = output ? api->SessionGetOutputTypeInfo(session, i, &type) : api->SessionGetInputTypeInfo(session, i, &type);
  if (s) return s;
  s = api->CastTypeInfoToTensorInfo(type, &info);
  if (!s && info) s = read_shape(info, p);
  api->ReleaseTypeInfo(type);
  return s;
}

static OrtStatus *bind_port(infer_binding *b, const OrtMemoryInfo *where, const infer_port *p, int input, OrtValue **v) {
  if (!p->data) return api->BindOutputToDevice(b->io, p->name, where);
  OrtStatus *s = api->CreateTensorWithDataAsOrtValue(where, p->data, p->bytes, p->dims, p->rank,
                                                     (ONNXTensorElementDataType)p->type, v);
  if (s) return s;
  return input ? api->BindInput(b->io, p->name, *v) : api->BindOutput(b->io, p->name, *v);
}

OrtStatus *infer_bind(OrtSession *session, int gpu, const infer_port *in, const infer_port *outs, size_t n, infer_binding *b) {
  OrtMemoryInfo *memory = NULL;
  memset(b, 0, sizeof *b);
  OrtStatus *s = api->CreateIoBinding(session, &b->io);
  if (!s) s = api->CreateMemoryInfo(gpu < 0 ? "Cpu" : "Cuda", OrtDeviceAllocator, gpu < 0 ? 0 : gpu, OrtMemTypeDefault, &memory);
  if (!s) s = bind_port(b, memory, in, 1, &b->values[0]);
  for (size_t i = 0; !s && i < n; i++) s = bind_port(b, memory, &outs[i], 0, &b->values[1 + i]);
  if (memory) api->ReleaseMemoryInfo(memory);
  if (s) infer_unbind(b);
  return s;
}

OrtStatus *infer_queue(infer_binding *b, int64_t graph) {
  char id[24];
  snprintf(id, sizeof id, "%lld", (long long)graph);
  OrtStatus *s = api->CreateRunOptions(&b->options);
  if (!s && !graph) s = api->CreateRunOptions(&b->waiting);
  if (!s) s = api->AddRunConfigEntry(b->options, "disable_synchronize_execution_providers", "1");
  if (!s && graph) s = api->AddRunConfigEntry(b->options, "gpu_graph_id", id);
  return s;
}

OrtStatus *infer_run(OrtSession *s, const infer_binding *b, int wait) {
  return api->RunWithBinding(s, wait && b->waiting ? b->waiting : b->options, b->io);
}

static OrtStatus *read_place(const OrtValue *v, infer_port *p) {
  const OrtMemoryInfo *where;
  OrtMemoryInfoDeviceType type;
  OrtStatus *s = api->GetTensorMemoryInfo(v, &where);
  if (s || (s = api->MemoryInfoGetId(where, &p->gpu))) return s;
  api->MemoryInfoGetDeviceType(where, &type);
  if (type != OrtMemoryInfoDeviceType_GPU) p->gpu = -1;
  return NULL;
}

OrtStatus *infer_output(const infer_binding *b, size_t i, infer_port *p) {
  OrtAllocator *mem;
  OrtValue **values = NULL;
  size_t n = 0;
  memset(p, 0, sizeof *p);
  OrtStatus *s = api->GetAllocatorWithDefaultOptions(&mem);
  if (s || (s = api->GetBoundOutputValues(b->io, mem, &values, &n))) return s;
  OrtTensorTypeAndShapeInfo *info = NULL;
  if (i >= n) {
    s = api->CreateStatus(ORT_INVALID_ARGUMENT, "no such output");
  } else if (!(s = api->GetTensorTypeAndShape(values[i], &info))) {
    s = read_shape(info, p);
    api->ReleaseTensorTypeAndShapeInfo(info);
    if (!s) s = read_place(values[i], p);
  }
  for (size_t k = 0; k < n; k++) api->ReleaseValue(values[k]);
  if (values) {
    OrtStatus *freed = api->AllocatorFree(mem, values);
    if (!s) s = freed;
    else if (freed) api->ReleaseStatus(freed);
  }
  return s;
}

void infer_unbind(infer_binding *b) {
  if (b->io) api->ReleaseIoBinding(b->io);
  for (size_t i = 0; i < sizeof b->values / sizeof *b->values; i++)
    if (b->values[i]) api->ReleaseValue(b->values[i]);
  if (b->options) api->ReleaseRunOptions(b->options);
  if (b->waiting) api->ReleaseRunOptions(b->waiting);
  memset(b, 0, sizeof *b);
}
