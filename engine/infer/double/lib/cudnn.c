// A double of libcudnn.so.9: every call succeeds, what computes is counted as a launch. Descriptors of the
// graph interface remember what was set in them, so that a plan can be made of one: the heuristics know one
// engine, which needs no workspace.
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "double.h"

static __thread void *current; // the stream

// Each handle takes over a signal, as libraries of NVIDIA's may: its handler has no stack of its own.
static struct sigaction before;
static void handler(int n, siginfo_t *info, void *context) {
  if (before.sa_flags & SA_SIGINFO) before.sa_sigaction(n, info, context);
}

static void take_signal(void) {
  struct sigaction ours = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_RESTART}, now;
  if (sigaction(SIGUSR1, NULL, &now) || now.sa_sigaction == handler) return;
  before = now;
  sigaction(SIGUSR1, &ours, NULL);
}

int cudnnCreate(void **h) {
  take_signal();
  return double_counts.handles++, *h = (void *)1, 0;
}
int cudnnSetStream(void *h, void *s) { return current = s, 0; }
int cudnnGetStream(void *h, void **s) { return *s = current, 0; }
size_t cudnnGetVersion(void) { return 91900; }
const char *cudnnGetErrorString(int s) { return "a status of the double"; }
void cudnnGetLastErrorString(char *message, size_t n) { if (n) *message = 0; }

// An attribute of a descriptor, in a list.
struct attribute { int name, type; int64_t count; void *data; struct attribute *next; };
struct descriptor { int type; struct attribute *set; };

// Names and types of cudnn_graph.h.
enum { PLAN = 5, HEUR_RESULTS = 202, BOOLEAN = 2, INT64 = 3, DESCRIPTOR = 15, INT32 = 23, FRACTION = 26 };

static size_t size_of(int type) {
  switch (type) {
    case BOOLEAN: case 24: return 1; // and characters
    case 0: case INT64: case 5: case 6: case DESCRIPTOR: return 8; // and handles, doubles, pointers
    case FRACTION: return 16;
    default: return 4; // words
  }
}

int cudnnBackendCreateDescriptor(int type, void **d) {
  struct descriptor *new = calloc(1, sizeof *new);
  double_counts.plans += type == PLAN;
  new->type = type;
  return *d = new, 0;
}

int cudnnBackendDestroyDescriptor(struct descriptor *d) {
  for (struct attribute *a = d ? d->set : 0, *next; a; a = next) {
    next = a->next;
    free(a->data);
    free(a);
  }
  return free(d), 0;
}

int cudnnBackendSetAttribute(struct descriptor *d, int name, int type, int64_t count, const void *data) {
  struct attribute *a = calloc(1, sizeof *a);
  *a = (struct attribute){name, type, count, malloc(size_of(type) * count + 1), d->set};
  memcpy(a->data, data, size_of(type) * count);
  return d->set = a, 0;
}

int cudnnBackendGetAttribute(struct descriptor *d, int name, int type, int64_t room, int64_t *count, void *data) {
  int64_t ignored;
  if (!count) count = &ignored;
  for (struct attribute *a = d->set; a; a = a->next)
    if (a->name == name && a->type == type) {
      *count = a->count;
      if (data && type != DESCRIPTOR) memcpy(data, a->data, size_of(type) * (room < a->count ? room : a->count));
      return 0;
    }
  // Numbers that were not set are 0: the engine's index, its workspace, the shared memory that it takes.
  *count = name == HEUR_RESULTS || type == INT64 || type == INT32;
  if (data && room > 0 && (type == INT64 || type == INT32)) memset(data, 0, size_of(type));
  return 0;
}

int cudnnBackendFinalize(void *d) { return 0; }
int cudnnBackendExecute(void *h, void *plan, void *pack) { return double_work(current, 0) ? 8 : 0; }

#define WORK(name) int name(void) { return double_work(current, 0) ? 8 : 0; }
WORK(cudnnActivationForward) WORK(cudnnAddTensor) WORK(cudnnBatchNormalizationForwardInference)
WORK(cudnnConvolutionBiasActivationForward) WORK(cudnnConvolutionForward) WORK(cudnnLRNCrossChannelForward)
WORK(cudnnPoolingForward) WORK(cudnnReduceTensor) WORK(cudnnSoftmaxForward)

#define MAKE(name) int name(void **d) { return *d = (void *)2, 0; }
MAKE(cudnnCreateActivationDescriptor) MAKE(cudnnCreateConvolutionDescriptor) MAKE(cudnnCreateDropoutDescriptor)
MAKE(cudnnCreateFilterDescriptor) MAKE(cudnnCreateLRNDescriptor) MAKE(cudnnCreatePoolingDescriptor)
MAKE(cudnnCreateReduceTensorDescriptor) MAKE(cudnnCreateTensorDescriptor)

int cudnnGetReductionIndicesSize(void *h, void *r, void *a, void *c, size_t *n) { return *n = 0, 0; }
int cudnnGetReductionWorkspaceSize(void *h, void *r, void *a, void *c, size_t *n) { return *n = 0, 0; }

#define NOTHING(name) int name(void) { return 0; }
NOTHING(cudnnDestroy) NOTHING(cudnnDestroyActivationDescriptor) NOTHING(cudnnDestroyConvolutionDescriptor)
NOTHING(cudnnDestroyDropoutDescriptor) NOTHING(cudnnDestroyFilterDescriptor) NOTHING(cudnnDestroyLRNDescriptor)
NOTHING(cudnnDestroyPoolingDescriptor) NOTHING(cudnnDestroyReduceTensorDescriptor) NOTHING(cudnnDestroyTensorDescriptor)
NOTHING(cudnnSetActivationDescriptor) NOTHING(cudnnSetConvolutionGroupCount) NOTHING(cudnnSetConvolutionMathType)
NOTHING(cudnnSetConvolutionNdDescriptor) NOTHING(cudnnSetFilterNdDescriptor) NOTHING(cudnnSetLRNDescriptor)
NOTHING(cudnnSetPoolingNdDescriptor) NOTHING(cudnnSetReduceTensorDescriptor) NOTHING(cudnnSetTensorNdDescriptor)
