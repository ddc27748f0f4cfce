// The few calls of the ONNX Runtime C API that the Go wrapper lacks: tensors
// over memory that we own, and one binding of them that is run by one call.
// The wrapper opens the library and makes sessions; the shim joins it there.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "include/onnxruntime_c_api.h"

enum { SV_MAX_RANK = 8, SV_MAX_OUTPUTS = 2 };

// sv_port is one input or output: of a session as the model declares it (data
// unused, unknown dimensions -1), or of a binding (dims are all known).
typedef struct {
  char *name;
  void *data; // NULL for an output: ONNX Runtime allocates it
  size_t bytes;
  int type; // ONNXTensorElementDataType; 0 if it is not a tensor
  size_t rank;
  int64_t dims[SV_MAX_RANK];
} sv_port;

// sv_binding holds what one run needs.
typedef struct {
  OrtIoBinding *io;
  OrtValue *values[1 + SV_MAX_OUTPUTS];
} sv_binding;

// sv_try_library loads the library at path and copies its version; one that does not
// begin with series is unloaded again. It returns NULL or what is wrong, to be freed.
char *sv_try_library(const char *path, const char *series, char *version, size_t cap);

// sv_attach finds the API of the library that is already loaded from path.
// It must come before all below. It returns NULL or what is wrong, to be freed.
char *sv_attach(const char *path);

// Every function below returns NULL, or a status to be read and freed by sv_error.
char *sv_error(OrtStatus *s, int *code);

OrtStatus *sv_count(const OrtSession *s, int outputs, size_t *n);
// sv_describe fills p; p->name is to be freed. A rank above SV_MAX_RANK is
// reported as it is, with the first dimensions only.
OrtStatus *sv_describe(const OrtSession *s, int output, size_t i, sv_port *p);

// sv_bind makes a binding of one input and n outputs. The memory must outlive it.
OrtStatus *sv_bind(OrtSession *s, const sv_port *in, const sv_port *outs, size_t n, sv_binding *b);
OrtStatus *sv_run(OrtSession *s, const sv_binding *b);
// sv_output reads type and shape of output i after a run.
OrtStatus *sv_output(const sv_binding *b, size_t i, sv_port *p);
void sv_unbind(sv_binding *b);
