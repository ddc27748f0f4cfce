// What programs link or look up and the double does not have: CUDA_ERROR_NOT_SUPPORTED.
#include "driver.h"

static Result missing(const char *name) {
  count("missing");
  say(std::string(name) + " is not emulated");
  return kNotSupported;
}

#define STUB(name) \
  API Result name() { return missing(#name); }

// clang-format off
STUB(cuArray3DCreate_v2) STUB(cuArray3DGetDescriptor_v2) STUB(cuArrayCreate_v2) STUB(cuArrayDestroy) STUB(cuArrayGetDescriptor_v2)
STUB(cuCtxDisablePeerAccess) STUB(cuCtxEnablePeerAccess) STUB(cuCtxGetSharedMemConfig) STUB(cuCtxResetPersistingL2Cache) STUB(cuCtxSetSharedMemConfig)
STUB(cuDestroyExternalMemory) STUB(cuDestroyExternalSemaphore) STUB(cuDeviceGetLuid) STUB(cuDeviceGetP2PAttribute) STUB(cuEGLStreamConsumerDisconnect)
STUB(cuEGLStreamProducerConnect) STUB(cuEGLStreamProducerDisconnect) STUB(cuEGLStreamProducerPresentFrame) STUB(cuEGLStreamProducerReturnFrame)
STUB(cuExternalMemoryGetMappedBuffer) STUB(cuExternalMemoryGetMappedMipmappedArray) STUB(cuFuncSetSharedMemConfig) STUB(cuGLGetDevices_v2)
STUB(cuGraphAddChildGraphNode) STUB(cuGraphAddDependencies) STUB(cuGraphAddEmptyNode) STUB(cuGraphAddHostNode) STUB(cuGraphAddKernelNode)
STUB(cuGraphAddKernelNode_v2) STUB(cuGraphAddMemcpyNode) STUB(cuGraphAddMemsetNode) STUB(cuGraphClone) STUB(cuGraphCreate) STUB(cuGraphDestroy)
STUB(cuGraphDestroyNode) STUB(cuGraphExecDestroy) STUB(cuGraphGetEdges) STUB(cuGraphicsGLRegisterImage) STUB(cuGraphicsMapResources)
STUB(cuGraphicsResourceGetMappedPointer_v2) STUB(cuGraphicsSubResourceGetMappedArray) STUB(cuGraphicsUnmapResources)
STUB(cuGraphicsUnregisterResource) STUB(cuImportExternalMemory) STUB(cuImportExternalSemaphore) STUB(cuLinkAddData) STUB(cuLinkAddData_v2)
STUB(cuLinkAddFile_v2) STUB(cuLinkComplete) STUB(cuLinkCreate) STUB(cuLinkCreate_v2) STUB(cuLinkDestroy) STUB(cuMemAdvise) STUB(cuMemPrefetchAsync)
STUB(cuMemcpy3DAsync_v2) STUB(cuMemcpy3DPeer) STUB(cuMemcpy3DPeerAsync) STUB(cuMemcpy3D_v2) STUB(cuMemcpyAtoA_v2) STUB(cuMemcpyAtoD_v2)
STUB(cuMemcpyAtoHAsync_v2) STUB(cuMemcpyAtoH_v2) STUB(cuMemcpyDtoA_v2) STUB(cuMemcpyHtoAAsync_v2) STUB(cuMemcpyHtoA_v2) STUB(cuMemcpyPeer)
STUB(cuMemcpyPeerAsync) STUB(cuMemsetD2D16Async) STUB(cuMemsetD2D16_v2) STUB(cuMemsetD2D32Async) STUB(cuMemsetD2D32_v2) STUB(cuMemsetD2D8Async)
STUB(cuMemsetD2D8_v2) STUB(cuMipmappedArrayDestroy) STUB(cuMipmappedArrayGetLevel) STUB(cuModuleGetSurfRef) STUB(cuModuleGetTexRef) STUB(cuModuleLoad)
STUB(cuOccupancyMaxActiveBlocksPerMultiprocessor) STUB(cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags) STUB(cuPointerSetAttribute)
STUB(cuSignalExternalSemaphoresAsync) STUB(cuStreamAttachMemAsync) STUB(cuStreamWaitValue32) STUB(cuStreamWaitValue32_v2) STUB(cuStreamWriteValue32)
STUB(cuStreamWriteValue32_v2) STUB(cuSurfRefGetArray) STUB(cuSurfRefSetArray) STUB(cuTexObjectCreate) STUB(cuTexObjectDestroy)
STUB(cuTexRefGetAddressMode) STUB(cuTexRefGetAddress_v2) STUB(cuTexRefGetArray) STUB(cuTexRefGetBorderColor) STUB(cuTexRefGetFilterMode)
STUB(cuTexRefGetFlags) STUB(cuTexRefGetFormat) STUB(cuTexRefGetMaxAnisotropy) STUB(cuTexRefSetAddress2D_v3) STUB(cuTexRefSetAddressMode)
STUB(cuTexRefSetAddress_v2) STUB(cuTexRefSetArray) STUB(cuTexRefSetBorderColor) STUB(cuTexRefSetFilterMode) STUB(cuTexRefSetFlags)
STUB(cuTexRefSetFormat) STUB(cuTexRefSetMaxAnisotropy) STUB(cuTexRefSetMipmapFilterMode) STUB(cuTexRefSetMipmapLevelBias)
STUB(cuTexRefSetMipmapLevelClamp) STUB(cuWaitExternalSemaphoresAsync)
