// What the doubles of NVIDIA's libraries count, and how they are made to fail.
#pragma once

struct double_counts {
  long launches;    // of kernels, and of what cuDNN and cuBLAS do
  long elsewhere;   // work on other streams than the expected one
  long graphs;      // graph launches
  long captures;    // of graphs
  long to_device;   // copies
  long to_host;
  long syncs;       // waits of the host for the device, a stream or an event
  long allocations; // of device and pinned memory
  long handles;     // of cuBLAS and cuDNN, made
  long plans;       // of cuDNN, made
  const void *first; // argument of the first launch
};

enum { DOUBLE_MALLOC = 1, DOUBLE_LAUNCH = 2, DOUBLE_ALL = 3 };

extern struct double_counts double_counts;
// double_reset begins to count anew; work on other streams than s is "elsewhere".
void double_reset(void *s);
// double_fail lets the call of a kind fail with code that comes after so many others; and all later ones. The kind
// DOUBLE_ALL counts launches, and then every call fails: the GPU is lost.
void double_fail(int kind, int after, int code);
int double_work(void *s, const void *first);
