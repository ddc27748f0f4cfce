// The double of the CUDA runtime, for the device that lies in it.
#pragma once
#include <stddef.h>

#include "lib/double.h"

// double_open finds the runtime; NULL, or what is wrong.
const char *double_open(void);
int double_malloc(void **p, size_t n);
int double_free(void *p);
int double_stream(void **s);
int double_sync(void *s);
void double_begin(void *stream);
void double_fault(int kind, int after, int code);
struct double_counts double_read(void);
