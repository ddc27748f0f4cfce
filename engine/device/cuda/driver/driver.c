// libcuda.a: what a program links against in place of NVIDIA's driver, so that it
// starts on machines that have none. The real one is loaded by svc_driver_open.
#define _GNU_SOURCE
#include "driver.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>

enum { NOT_INITIALIZED = 3, NOT_FOUND = 500 };  // of CUresult

static int not_started(void) { return NOT_INITIALIZED; }
static int not_in_this_driver(void) { return NOT_FOUND; }

static const char *const names[] = {
#define ENTRY(name) #name,
#include "entries.h"
#undef ENTRY
};
enum { ENTRIES = sizeof names / sizeof *names };

// Where the entry points of jump.S lead, in the order of entries.h.
__attribute__((visibility("hidden"))) void *svc_driver_table[ENTRIES] = {[0 ... ENTRIES - 1] = (void *)not_started};

static void *library;
static int status = -1;
static char why[512];

static void start(void) {
  library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_GLOBAL);
  if (!library) {
    snprintf(why, sizeof why, "%s", dlerror());
    return;
  }
  int (*init)(unsigned) = (int (*)(unsigned))dlsym(library, "cuInit");
  status = init ? init(0) : NOT_FOUND;
  if (status != 0) return;
  for (int i = 0; i < ENTRIES; i++) {
    void *entry = dlsym(library, names[i]);
    svc_driver_table[i] = entry ? entry : (void *)not_in_this_driver;
  }
}

#define HIDDEN __attribute__((visibility("hidden")))

HIDDEN int svc_driver_open(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, start);
  return status;
}

HIDDEN const char *svc_driver_why(void) { return why; }

HIDDEN void *svc_driver_symbol(const char *name) { return library ? dlsym(library, name) : 0; }

// gorgonia.org/cu calls this before main and exits when it fails. Nothing is
// started here: a program that uses no GPU does not wait for one to wake up.
HIDDEN int cuInit(unsigned flags) {
  (void)flags;
  return 0;
}
