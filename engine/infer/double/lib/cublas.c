// A double of libcublas.so.13 and libcublasLt.so.13: every call succeeds, products are counted as launches.
#include "double.h"

static __thread void *current; // the stream; each thread has its own handle in ONNX Runtime

int cublasCreate_v2(void **h) { return double_counts.handles++, *h = (void *)0x1234, 0; }
int cublasLtCreate(void **h) { return *h = (void *)0x1235, 0; }
int cublasSetStream_v2(void *h, void *s) { return current = s, 0; }
const char *cublasGetStatusName(int s) { return "a status of the double"; }
const char *cublasGetStatusString(int s) { return "a status of the double"; }

#define WORK(name) int name(void) { return double_work(current, 0); }
WORK(cublasDcopy_v2) WORK(cublasDgeam) WORK(cublasDgemmBatched) WORK(cublasDgemmStridedBatched) WORK(cublasDgemm_v2)
WORK(cublasDgetrfBatched) WORK(cublasDgetriBatched) WORK(cublasGemmBatchedEx) WORK(cublasGemmEx) WORK(cublasGemmStridedBatchedEx)
WORK(cublasScopy_v2) WORK(cublasSgeam) WORK(cublasSgemmBatched) WORK(cublasSgemmStridedBatched) WORK(cublasSgemm_v2)
WORK(cublasSgetrfBatched) WORK(cublasSgetriBatched) WORK(cublasSscal_v2) WORK(cublasLtMatmul) WORK(cublasLtMatrixTransform)

#define NOTHING(name) int name(void) { return 0; }
NOTHING(cublasDestroy_v2) NOTHING(cublasGetMathMode) NOTHING(cublasSetMathMode) NOTHING(cublasLtDestroy)
NOTHING(cublasLtMatmulAlgoConfigSetAttribute) NOTHING(cublasLtMatmulAlgoGetHeuristic) NOTHING(cublasLtMatmulAlgoInit)
NOTHING(cublasLtMatmulDescCreate) NOTHING(cublasLtMatmulDescDestroy) NOTHING(cublasLtMatmulDescSetAttribute)
NOTHING(cublasLtMatmulPreferenceCreate) NOTHING(cublasLtMatmulPreferenceDestroy) NOTHING(cublasLtMatmulPreferenceSetAttribute)
NOTHING(cublasLtMatrixLayoutCreate) NOTHING(cublasLtMatrixLayoutDestroy) NOTHING(cublasLtMatrixLayoutSetAttribute)
NOTHING(cublasLtMatrixTransformDescCreate) NOTHING(cublasLtMatrixTransformDescDestroy)
