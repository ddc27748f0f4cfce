// What libcuda.so.1 of the double gives to the double's other libraries, and to tests. C names, found
// by dlsym too.
#pragma once
#include <stddef.h>
#include <stdint.h>

extern "C" {
const char *streamvet_driver_double();

// Options and faults.
int streamvet_double_set(const char *name, const char *value); // 0: there is none of that name
void streamvet_double_reset();                                 // counters to zero, options to the environment's
void streamvet_double_restore();                               // lost devices are there again
size_t streamvet_double_option(const char *name, char *to, size_t room);
int streamvet_double_due(const char *name, int *code);

// Counters.
void streamvet_double_count(const char *name, uint64_t n);
void streamvet_double_level(const char *name, int64_t by);
size_t streamvet_double_counters(char *to, size_t room);

// The device.
int streamvet_double_check(const char *name, int *device);
int streamvet_double_enqueue(void *stream, void (*f)(void *), void *with);
int streamvet_double_finish(void *stream); // waits, and counts no wait
int streamvet_double_reserve(int device, int64_t bytes);
uint64_t streamvet_double_memory_used(int device);
uint64_t streamvet_double_memory_total(int device);
}
