// The few calls of the ONNX Runtime C API that the Go wrapper lacks: tensors
// over memory that we own, and one binding of them that is run by one call.
// The wrapper opens the library and makes sessions; the shim joins it there.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "include/onnxruntime_c_api.h"

enum { INFER_MAX_RANK = 8, INFER_MAX_OUTPUTS = 2 };

// infer_port is one input or output: of a session as the model declares it (data
// unused, unknown dimensions -1), or of a binding (dims are all known).
typedef struct {
  char *name;
  void *data; // NULL for an output: ONNX Runtime allocates it
  size_t bytes;
  int type; // ONNXTensorElementDataType; 0 if it is not a tensor
  size_t rank;
  int64_t dims[INFER_MAX_RANK];
} infer_port;

// infer_binding holds what one run needs.
typedef struct {
  OrtIoBinding *io;
  OrtValue *values[1 + INFER_MAX_OUTPUTS];
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

// infer_bind makes a binding of one input and n outputs. The memory must outlive it.
OrtStatus *infer_bind(OrtSession *s, const infer_port *in, const infer_port *outs, size_t n, infer_binding *b);
OrtStatus *infer_run(OrtSession *s, const infer_binding *b);
// infer_output reads type and shape of output i after a run.
OrtStatus *infer_output(const infer_binding *b, size_t i, infer_port *p);
void infer_unbind(infer_binding *b);
