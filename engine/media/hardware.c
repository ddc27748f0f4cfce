//go:build cuda

#include "hardware.h"

#include <cuda.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <libavutil/avstring.h>
#include <libavutil/hwcontext.h>
#include <libavutil/hwcontext_cuda.h>
#include <libavutil/pixdesc.h>

// As in NVIDIA's cuviddec.h, which may not be handed on.
typedef struct cuvid_caps {
  int codec, chroma;
  unsigned depth_minus_8, reserved1[3];
  uint8_t supported, engines;
  uint16_t formats;
  unsigned max_width, max_height, max_macroblocks;
  uint16_t min_width, min_height;
  uint8_t histogram, counter_bits;
  uint16_t histogram_bins;
  unsigned reserved3[10];
} cuvid_caps;
_Static_assert(sizeof(cuvid_caps) == 88, "the layout of CUVIDDECODECAPS");

struct svm_hardware {
  CUcontext context;
  CUstream stream;
  void *driver, *decoder; // libraries
  CUresult (*push)(CUcontext);
  CUresult (*pop)(CUcontext *);
  CUresult (*query)(CUstream);
  CUresult (*memory)(size_t *, size_t *);
  CUresult (*name)(CUresult, const char **);
  int (*caps)(cuvid_caps *); // NULL with drivers before 378.13

  int trying; // FFmpeg was told to use the GPU and has not said yet whether it can
  int begun;
  int cause; // the next line names the cause of the reason
  svm_hardware_said said;
};

static void explain_missing(char *why, int size, const char *library) {
  const char *error = dlerror();
  snprintf(why, size, "%s", error ? error : library);
}

svm_hardware *svm_hardware_new(uintptr_t context, uintptr_t stream, char *why, int size) {
  svm_hardware *h = calloc(1, sizeof *h);
  if (!h) return NULL;
  h->context = (CUcontext)context;
  h->stream = (CUstream)stream;
  h->driver = dlopen("libcuda.so.1", RTLD_NOW);
  h->decoder = h->driver ? dlopen("libnvcuvid.so.1", RTLD_NOW) : NULL;
  if (!h->decoder) explain_missing(why, size, "libnvcuvid.so.1");
  if (h->decoder) {
    h->push = (CUresult (*)(CUcontext))dlsym(h->driver, "cuCtxPushCurrent_v2");
    h->pop = (CUresult (*)(CUcontext *))dlsym(h->driver, "cuCtxPopCurrent_v2");
    h->query = (CUresult (*)(CUstream))dlsym(h->driver, "cuStreamQuery");
    h->memory = (CUresult (*)(size_t *, size_t *))dlsym(h->driver, "cuMemGetInfo_v2");
    h->name = (CUresult (*)(CUresult, const char **))dlsym(h->driver, "cuGetErrorName");
    if (h->push && h->pop && h->query && h->memory && h->name) {
      h->caps = (int (*)(cuvid_caps *))dlsym(h->decoder, "cuvidGetDecoderCaps");
      return h;
    }
    explain_missing(why, size, "libcuda.so.1 lacks a function");
  }
  svm_hardware_free(h);
  return NULL;
}

void svm_hardware_free(svm_hardware *h) {
  if (!h) return;
  if (h->decoder) dlclose(h->decoder);
  if (h->driver) dlclose(h->driver);
  free(h);
}

// --- what NVDEC can

// What FFmpeg's NVDEC code and the hardware have in common; the hardware's own part
// differs from GPU to GPU. number is that of cudaVideoCodec.
static const struct { enum AVCodecID id; int number, depth, full_chroma; } codecs[] = {
  {AV_CODEC_ID_MPEG1VIDEO, 0, 8, 0}, {AV_CODEC_ID_MPEG2VIDEO, 1, 8, 0}, {AV_CODEC_ID_MPEG4, 2, 8, 0},
  {AV_CODEC_ID_H264, 4, 8, 0}, {AV_CODEC_ID_MJPEG, 5, 8, 0}, {AV_CODEC_ID_HEVC, 8, 12, 1},
  {AV_CODEC_ID_VP8, 9, 8, 0}, {AV_CODEC_ID_VP9, 10, 12, 0}, {AV_CODEC_ID_AV1, 11, 10, 0},
};
enum { CODECS = sizeof codecs / sizeof *codecs, CHROMA_420 = 2, CHROMA_444 = 4 };

static int find_codec(int id) {
  for (int i = 0; i < CODECS; i++)
    if (codecs[i].id == (enum AVCodecID)id) return i;
  return -1;
}

const char *svm_hardware_refuses(int codec_id, int profile, int pix_fmt, int width, int height) {
  int i = find_codec(codec_id), depth = svm_depth_of(pix_fmt), chroma = svm_chroma_of(pix_fmt);
  if (i < 0) return "NVDEC does not decode this codec";
  if (codec_id == AV_CODEC_ID_MPEG4 && profile != AV_PROFILE_MPEG4_SIMPLE) return "NVDEC decodes the Simple Profile of MPEG-4 only";
  if (pix_fmt == AV_PIX_FMT_NONE) return NULL; // nobody knows yet
  if (chroma != CHROMA_420 && !(chroma == CHROMA_444 && codecs[i].full_chroma)) return "NVDEC does not decode this chroma format of this codec";
  if (depth > codecs[i].depth || (depth != 8 && depth != 10 && depth != 12)) return "NVDEC does not decode this bit depth of this codec";
  if ((width | height) & 1) return "NVDEC does not decode pictures of an odd width or height";
  return NULL;
}

int svm_hardware_caps(svm_hardware *h, int codec_id, int chroma, int depth, svm_caps *out) {
  *out = (svm_caps){0};
  int i = find_codec(codec_id);
  if (i < 0 || chroma < 1 || depth < 8) return 0;
  if (!h->caps) { // FFmpeg goes on without asking too
    *out = (svm_caps){.supported = 1, .engines = 1, .max_width = INT32_MAX, .max_height = INT32_MAX, .max_macroblocks = INT32_MAX};
    return 0;
  }
  cuvid_caps c = {.codec = codecs[i].number, .chroma = chroma - 1, .depth_minus_8 = depth - 8};
  CUresult rc = h->push(h->context);
  if (rc) return rc;
  rc = h->caps(&c);
  h->pop(&(CUcontext){0});
  if (rc || !c.supported) return rc;
  *out = (svm_caps){1, c.engines ? c.engines : 1, c.min_width, c.min_height, c.max_width, c.max_height, c.max_macroblocks};
  return 0;
}

int svm_hardware_lost(svm_hardware *h) {
  size_t left, all;
  CUresult rc = h->push(h->context);
  if (rc) return rc;
  rc = h->query(h->stream); // an error of work that was queued comes back from every call
  if (rc == CUDA_SUCCESS || rc == CUDA_ERROR_NOT_READY) rc = h->memory(&left, &all);
  h->pop(&(CUcontext){0});
  return rc;
}

void svm_hardware_error_name(svm_hardware *h, int result, char *out, int size) {
  const char *name = NULL;
  if (h->name(result, &name) || !name) snprintf(out, size, "CUDA error %d", result);
  else av_strlcpy(out, name, size);
}

// --- decoding

// reason keeps the first thing that went wrong.
static void reason(svm_hardware *h, const char *text, size_t n) {
  char *r = h->said.reason;
  if (r[0]) return;
  n = FFMIN(n, sizeof h->said.reason - 1);
  memcpy(r, text, n);
  r[n] = 0;
  h->cause = 1;
}

// FFmpeg tells of a driver's error in its log alone: "x->y->cuvidDecodePicture(z) failed",
// then " -> CUDA_ERROR_NAME: text". A copy that failed is told nowhere else.
static void on_line(void *of, int level, const char *text) {
  svm_hardware *h = of;
  if (level > AV_LOG_ERROR) return;
  const char *call = strstr(text, "->cu"), *next;
  while (call && (next = strstr(call + 2, "->cu"))) call = next;
  if (call && strstr(call, " failed")) {
    call += 2;
    h->said.failures++;
    if (av_strstart(call, "cuvidDecodePicture", NULL)) h->said.undecoded = 1;
    else if (!av_strstart(call, "cuvidMapVideoFrame", NULL)) h->said.ours = 1;
    reason(h, call, strcspn(call, "("));
  } else if (av_strstart(text, " -> ", &next)) {
    if (strstr(next, "OUT_OF_MEMORY")) h->said.ours = 1;
    if (h->cause) {
      av_strlcat(h->said.reason, ": ", sizeof h->said.reason);
      av_strlcat(h->said.reason, next, sizeof h->said.reason);
    }
    h->cause = 0;
  } else if (strstr(text, "No decoder surfaces left")) {
    h->said.failures++;
    reason(h, text, strcspn(text, "\n"));
  } else if (h->trying) {
    reason(h, text, strcspn(text, "\n"));
  }
}

static enum AVPixelFormat choose(AVCodecContext *cc, const enum AVPixelFormat *offered) {
  svm_hardware *h = svm_track_listener(cc->opaque);
  int cuda = 0;
  for (; *offered != AV_PIX_FMT_NONE; offered++) {
    if (*offered == AV_PIX_FMT_CUDA) cuda = 1;
    if (!(av_pix_fmt_desc_get(*offered)->flags & AV_PIX_FMT_FLAG_HWACCEL)) break;
  }
  // FFmpeg asks again without CUDA where the GPU refused.
  const char *why = h->trying && !cuda ? NULL : svm_hardware_refuses(cc->codec_id, cc->profile, *offered, cc->coded_width, cc->coded_height);
  if (cuda && !why) {
    h->trying = 1;
    return AV_PIX_FMT_CUDA;
  }
  if (!h->trying || !h->said.reason[0])
    av_strlcpy(h->said.reason, why ? why : "FFmpeg does not decode this format on NVDEC", sizeof h->said.reason);
  h->trying = 0;
  h->said.refused = 1;
  return *offered;
}

int svm_hardware_attach(svm_hardware *h, AVCodecContext *cc, svm_track *t) {
  AVBufferRef *device = av_hwdevice_ctx_alloc(AV_HWDEVICE_TYPE_CUDA);
  if (!device) return AVERROR(ENOMEM);
  AVCUDADeviceContext *cuda = ((AVHWDeviceContext *)device->data)->hwctx;
  cuda->cuda_ctx = h->context;
  cuda->stream = h->stream;
  int rc = av_hwdevice_ctx_init(device);
  if (rc < 0) {
    av_buffer_unref(&device);
    return rc;
  }
  cc->hw_device_ctx = device;
  cc->get_format = choose;
  cc->thread_count = 1; // more would take more surfaces and gain nothing
  svm_track_listen(t, on_line, h);
  return 0;
}

void svm_hardware_take(svm_hardware *h, AVCodecContext *cc, svm_hardware_said *out) {
  *out = h->said;
  out->begun = h->begun;
  if (cc->hwaccel) h->begun = 1;
  h->said = (svm_hardware_said){0};
  h->trying = h->cause = 0;
}
