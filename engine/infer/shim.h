// The few calls of the ONNX Runtime C API that the Go wrapper lacks: tensors
// over memory that we own, and one binding of them that is run by one call.
// The wrapper opens the library and makes sessions; the shim joins it there.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "include/onnxruntime_c_api.h"

enum { INFER_MAX_RANK = 8, INFER_MAX_OUTPUTS = 17 };

// infer_port is one input or output: of a session as the model declares it (data
// unused, unknown dimensions -1), or of a binding (dims are all known).
typedef struct {
  char *name;
  void *data; // NULL for an output: ONNX Runtime allocates it
  size_t bytes;
  int type; // ONNXTensorElementDataType; 0 if it is not a tensor
  size_t rank;
  int64_t dims[INFER_MAX_RANK];
  int gpu; // where an output lies after a run: the GPU's number, -1 for the host's memory
} infer_port;

// infer_binding holds what one run needs.
typedef struct {
  OrtIoBinding *io;
  OrtValue *values[1 + INFER_MAX_OUTPUTS];
  OrtRunOptions *options; // NULL: a run has ended when the call returns
  OrtRunOptions *waiting; // of a run that has, on a GPU; NULL without options
} infer_binding;

// infer_probe loads the library at path and copies its version; one that does not
// begin with series is unloaded again. It returns NULL or what is wrong, to be freed.
char *infer_probe(const char *path, const char *series, char *version, size_t cap);

// infer_attach finds the API of the library that is already loaded from path.
// It must come before all below. It returns NULL or what is wrong, to be freed.
char *infer_attach(const char *path);

// Every function below returns NULL, or a status to be read and freed by infer_error.
char *infer_error(OrtStatus *s, int *code);

OrtStatus *infer_count(const OrtSession *s, int outputs, size_t *n);
// infer_describe fills p; p->name is to be freed. A rank above INFER_MAX_RANK is
// reported as it is, with the first dimensions only.
OrtStatus *infer_describe(const OrtSession *s, int output, size_t i, infer_port *p);

// infer_bind makes a binding of one input and n outputs in the memory of a GPU, or of the host if that is -1.
// The memory must outlive it.
OrtStatus *infer_bind(OrtSession *s, int gpu, const infer_port *in, const infer_port *outs, size_t n, infer_binding *b);
// infer_queue lets runs of b return when they are queued. A graph id above 0 lets a graph be captured at the
// first run and launched by later ones; -1 does not, 0 leaves graphs out of it.
OrtStatus *infer_queue(infer_binding *b, int64_t graph);
// infer_run runs b; if wait is not 0 it has ended when the call returns, and nothing of it is left behind.
OrtStatus *infer_run(OrtSession *s, const infer_binding *b, int wait);
// infer_output reads type, shape and place of output i after a run.
OrtStatus *infer_output(const infer_binding *b, size_t i, infer_port *p);
void infer_unbind(infer_binding *b);

// What only providers for a GPU need (provider.c).

// infer_axis names dimension i of the first input: "" where it has a fixed size or no name; to be freed.
OrtStatus *infer_axis(const OrtSession *s, size_t i, char **name);
// infer_fix gives dimensions of that name a fixed size in sessions that will be made.
OrtStatus *infer_fix(OrtSessionOptions *o, const char *name, int64_t size);
// infer_pinned refers to the memory of a session's that the GPU copies from: it lives until infer_unpin.
// NULL if there is none.
OrtAllocator *infer_pinned(const OrtSession *s, int gpu);
void infer_unpin(OrtAllocator *pinned);

// infer_preload loads a library for good, for others to find under its name. It returns NULL or what is
// wrong, to be freed.
char *infer_preload(const char *path);
// infer_driver asks the preloaded driver for its version, as CUDA numbers it; -1 if it does not say.
int infer_driver(void);
// infer_ordinal finds the GPU's number of a driver's context; -1 if it has none.
int infer_ordinal(void *context);
// infer_fix_signals lets every handler that was installed without SA_ONSTACK run on Go's signal stack: on
// a goroutine's it would end the process. It returns how many there were.
int infer_fix_signals(void);

// infer_*_options give the options that a provider will use as "name=value;..."; to be freed.
OrtStatus *infer_cuda_options(const OrtCUDAProviderOptionsV2 *o, char **text);
OrtStatus *infer_tensorrt_options(const OrtTensorRTProviderOptionsV2 *o, char **text);
// infer_left_to lists the operators of the nodes that provider ep was given, a line each; to be freed. The session
// must have been made with session.record_ep_graph_assignment_info.
OrtStatus *infer_left_to(const OrtSession *s, const char *ep, char **text);
