// What libcuda.a offers besides the driver's own entry points.
#ifndef SVC_DRIVER_H
#define SVC_DRIVER_H

// svc_driver_open loads the driver and starts it, once a process. It returns
// cuInit's CUresult, or -1 where there is no driver to load. Until it has returned
// 0, every entry point returns CUDA_ERROR_NOT_INITIALIZED.
int svc_driver_open(void);

// svc_driver_why says why the driver could not be loaded; "" if it was.
const char *svc_driver_why(void);

// svc_driver_symbol is the address of what the loaded driver exports under a name, else 0.
void *svc_driver_symbol(const char *name);

#endif
