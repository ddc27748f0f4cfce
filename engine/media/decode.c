#include "media.h"

#include <string.h>
#include <libavutil/hwcontext.h>
#include <libavutil/pixdesc.h>
#include <libavutil/samplefmt.h>

void svm_decoder_prepare(AVCodecContext *cc, AVRational time_base, svm_track *t, int64_t max_pixels) {
  cc->pkt_timebase = time_base;
  cc->opaque = t;
  cc->max_pixels = max_pixels;
  // COPY_OPAQUE: a frame carries the number that its packet was sent with.
  // UNALIGNED: an odd left crop is applied exactly.
  cc->flags |= AV_CODEC_FLAG_COPY_OPAQUE | AV_CODEC_FLAG_UNALIGNED;
}

int svm_send(AVCodecContext *cc, AVPacket *pkt, int64_t opaque) {
  if (pkt) pkt->opaque = (void *)(intptr_t)opaque;
  svm_track_enter(cc->opaque);
  int rc = avcodec_send_packet(cc, pkt);
  svm_track_leave();
  return rc;
}

// As frame.Matrix; the two that are within a rounding error of one that the
// kernels know are taken for it.
static int matrix_of(enum AVColorSpace s) {
  switch (s) {
  case AVCOL_SPC_FCC: case AVCOL_SPC_BT470BG: case AVCOL_SPC_SMPTE170M: return 1;
  case AVCOL_SPC_BT709: case AVCOL_SPC_SMPTE240M: return 2;
  case AVCOL_SPC_BT2020_NCL: case AVCOL_SPC_BT2020_CL: return 3;
  default: return 0;
  }
}

static int is_full_range(const AVFrame *f) {
  switch (f->format) {
  case AV_PIX_FMT_YUVJ420P: case AV_PIX_FMT_YUVJ422P: case AV_PIX_FMT_YUVJ444P: case AV_PIX_FMT_YUVJ440P: case AV_PIX_FMT_YUVJ411P: return 1;
  default: return f->color_range == AVCOL_RANGE_JPEG;
  }
}

// The format in which a decoder in software would give what lies in a surface.
static int coded_format(const AVCodecContext *cc, const AVFrame *f, enum AVPixelFormat surface) {
  int full = f->color_range == AVCOL_RANGE_JPEG &&
             (cc->codec_id == AV_CODEC_ID_H264 || cc->codec_id == AV_CODEC_ID_HEVC || cc->codec_id == AV_CODEC_ID_MJPEG);
  switch (surface) {
  case AV_PIX_FMT_NV12: return full ? AV_PIX_FMT_YUVJ420P : AV_PIX_FMT_YUV420P;
  case AV_PIX_FMT_P010: return AV_PIX_FMT_YUV420P10;
  case AV_PIX_FMT_P016: return AV_PIX_FMT_YUV420P12;
  case AV_PIX_FMT_YUV444P: return full ? AV_PIX_FMT_YUVJ444P : AV_PIX_FMT_YUV444P;
  case AV_PIX_FMT_YUV444P16: return svm_depth_of(cc->sw_pix_fmt) == 12 ? AV_PIX_FMT_YUV444P12 : AV_PIX_FMT_YUV444P10;
  default: return surface;
  }
}

static void describe_surface(const AVCodecContext *cc, const AVFrame *f, svm_frame_info *o) {
  o->on_device = 1;
  o->format = ((AVHWFramesContext *)f->hw_frames_ctx->data)->sw_format;
  o->coded = coded_format(cc, f, o->format);
  o->crop_left = f->crop_left;
  o->crop_top = f->crop_top;
}

static void describe(const AVCodecContext *cc, const AVFrame *f, svm_frame_info *o) {
  for (int i = 0; i < 4; i++) {
    o->data[i] = f->data[i];
    o->linesize[i] = f->linesize[i];
  }
  o->width = f->width;
  o->height = f->height;
  o->format = o->coded = f->format;
  o->on_device = o->crop_left = o->crop_top = 0;
  if (f->format == AV_PIX_FMT_CUDA && f->hw_frames_ctx) describe_surface(cc, f, o);
  o->key = !!(f->flags & AV_FRAME_FLAG_KEY);
  o->interlaced = !!(f->flags & AV_FRAME_FLAG_INTERLACED);
  o->corrupt = !!(f->flags & AV_FRAME_FLAG_CORRUPT);
  o->matrix = matrix_of(f->colorspace);
  o->full_range = is_full_range(f);
  o->pts = svm_nanoseconds(f->best_effort_timestamp, cc->pkt_timebase);
  o->duration = f->duration > 0 ? svm_nanoseconds(f->duration, cc->pkt_timebase) : 0;
  if (o->duration < 0) o->duration = 0;
  o->opaque = (intptr_t)f->opaque;
  o->decode_error_flags = f->decode_error_flags;
  o->samples = f->nb_samples;
  o->sample_rate = f->sample_rate;
  o->channels = f->ch_layout.nb_channels;
  o->sample_format = f->format;
}

int svm_receive(AVCodecContext *cc, AVFrame *f, svm_frame_info *info) {
  svm_track_enter(cc->opaque);
  int rc = avcodec_receive_frame(cc, f);
  svm_track_leave();
  if (rc >= 0) describe(cc, f, info);
  return rc;
}

const uint8_t *svm_plane(const AVFrame *f, int channel) { return f->extended_data[channel]; }

#define TO_FLOAT(type, expression)                                           \
  for (int c = 0; c < channels; c++) {                                       \
    const type *s = planar ? (const type *)f->extended_data[c] : (const type *)f->extended_data[0] + c; \
    float *o = out + (size_t)c * stride;                                     \
    int step = planar ? 1 : f->ch_layout.nb_channels;                        \
    for (int i = 0; i < f->nb_samples; i++, s += step) o[i] = (expression);  \
  }                                                                          \
  return 1;

int svm_samples(const AVFrame *f, int channels, float *out, int stride) {
  int planar = av_sample_fmt_is_planar(f->format);
  enum AVSampleFormat packed = av_get_packed_sample_fmt(f->format);
  if (packed == AV_SAMPLE_FMT_FLT && (planar || f->ch_layout.nb_channels == 1)) return 0;
  if (!out) return 1;
  switch (packed) {
  case AV_SAMPLE_FMT_FLT: TO_FLOAT(float, *s)
  case AV_SAMPLE_FMT_DBL: TO_FLOAT(double, (float)*s)
  case AV_SAMPLE_FMT_U8: TO_FLOAT(uint8_t, (*s - 128) * (1.f / 128))
  case AV_SAMPLE_FMT_S16: TO_FLOAT(int16_t, *s * (1.f / 32768))
  case AV_SAMPLE_FMT_S32: TO_FLOAT(int32_t, (float)(*s * (1. / 2147483648.)))
  case AV_SAMPLE_FMT_S64: TO_FLOAT(int64_t, (float)(*s * (1. / 9223372036854775808.)))
  default: return AVERROR(EINVAL);
  }
}
