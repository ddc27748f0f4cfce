#include "media.h"

#include <stdlib.h>
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>

struct svm_converter {
  struct SwsContext *sws;
};

svm_converter *svm_converter_new(void) { return calloc(1, sizeof(svm_converter)); }

void svm_converter_free(svm_converter *c) {
  if (!c) return;
  sws_freeContext(c->sws);
  free(c);
}

static int rounded_depth(int depth) { return depth <= 8 ? 8 : depth <= 10 ? 10 : depth <= 12 ? 12 : 16; }

static enum AVPixelFormat planar(int depth, int sx, int sy) {
  static const enum AVPixelFormat table[3][4] = {
    {AV_PIX_FMT_YUV420P, AV_PIX_FMT_YUV420P10LE, AV_PIX_FMT_YUV420P12LE, AV_PIX_FMT_YUV420P16LE},
    {AV_PIX_FMT_YUV422P, AV_PIX_FMT_YUV422P10LE, AV_PIX_FMT_YUV422P12LE, AV_PIX_FMT_YUV422P16LE},
    {AV_PIX_FMT_YUV444P, AV_PIX_FMT_YUV444P10LE, AV_PIX_FMT_YUV444P12LE, AV_PIX_FMT_YUV444P16LE},
  };
  int column = depth == 8 ? 0 : depth == 10 ? 1 : depth == 12 ? 2 : 3;
  return table[sx && sy ? 0 : sx ? 1 : 2][column];
}

static enum AVPixelFormat gray(int depth) {
  return depth == 8 ? AV_PIX_FMT_GRAY8 : depth == 10 ? AV_PIX_FMT_GRAY10LE : depth == 12 ? AV_PIX_FMT_GRAY12LE : AV_PIX_FMT_GRAY16LE;
}

// The nearest format that frame.Format can describe.
static enum AVPixelFormat nearest(const AVPixFmtDescriptor *d, int rgb) {
  int depth = d->flags & AV_PIX_FMT_FLAG_FLOAT ? 16 : rounded_depth(d->comp[0].depth);
  if (rgb) return planar(depth, 0, 0);
  if (d->nb_components <= 2) return gray(depth);
  return planar(depth, d->log2_chroma_w > 0, d->log2_chroma_h > 0 && d->log2_chroma_w > 0);
}

static int is_rgb(const AVPixFmtDescriptor *d) {
  return !!(d->flags & (AV_PIX_FMT_FLAG_RGB | AV_PIX_FMT_FLAG_PAL | AV_PIX_FMT_FLAG_BAYER | AV_PIX_FMT_FLAG_XYZ));
}

// Is every plane where the kernels expect it?
static int is_direct(const AVPixFmtDescriptor *d) {
  int depth = d->comp[0].depth, n = d->nb_components, bytes = depth > 8 ? 2 : 1;
  if (is_rgb(d) || d->flags & (AV_PIX_FMT_FLAG_HWACCEL | AV_PIX_FMT_FLAG_BITSTREAM | AV_PIX_FMT_FLAG_FLOAT)) return 0;
  if (depth > 8 && d->flags & AV_PIX_FMT_FLAG_BE) return 0;
  if (depth != rounded_depth(depth) || n == 2 || n > 4) return 0;
  if (d->comp[0].plane != 0 || d->comp[0].step != bytes || d->comp[0].offset) return 0;
  if (n == 1) return 1;
  if (d->log2_chroma_w > 1 || d->log2_chroma_h > d->log2_chroma_w) return 0;
  const AVComponentDescriptor *u = &d->comp[1], *v = &d->comp[2];
  if (u->depth != depth || v->depth != depth || u->shift != d->comp[0].shift || v->shift != u->shift) return 0;
  if (u->plane == 1 && v->plane == 2) return u->step == bytes && v->step == bytes;
  return u->plane == 1 && v->plane == 1 && u->offset == 0 && v->offset == bytes && u->step == 2 * bytes;
}

void svm_format_of(int pix_fmt, svm_format *out) {
  const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(pix_fmt);
  *out = (svm_format){.target = AV_PIX_FMT_NONE};
  if (!d || d->flags & AV_PIX_FMT_FLAG_HWACCEL) return;
  out->rgb = is_rgb(d);
  out->direct = is_direct(d);
  out->target = out->direct ? pix_fmt : (int)nearest(d, out->rgb);
  d = av_pix_fmt_desc_get(out->target);
  out->depth = d->comp[0].depth;
  out->high = d->comp[0].shift > 0;
  out->mono = d->nb_components == 1;
  if (out->mono) return;
  out->shift_x = d->log2_chroma_w;
  out->shift_y = d->log2_chroma_h;
  out->interleaved = d->comp[1].plane == d->comp[2].plane;
}

int svm_depth_of(int pix_fmt) {
  const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(pix_fmt);
  return d && !(d->flags & AV_PIX_FMT_FLAG_HWACCEL) ? d->comp[0].depth : 0;
}

int svm_chroma_of(int pix_fmt) {
  const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(pix_fmt);
  if (!d || d->flags & AV_PIX_FMT_FLAG_HWACCEL || is_rgb(d)) return 0;
  if (d->nb_components <= 2) return 1;
  if (d->log2_chroma_w == 1) return d->log2_chroma_h == 1 ? 2 : d->log2_chroma_h == 0 ? 3 : 0;
  return d->log2_chroma_w == 0 && d->log2_chroma_h == 0 ? 4 : 0;
}

static int fit(AVFrame *dst, const AVFrame *src, int target) {
  if (dst->buf[0] && dst->width == src->width && dst->height == src->height && dst->format == target) return 0;
  av_frame_unref(dst);
  dst->width = src->width;
  dst->height = src->height;
  dst->format = target;
  return av_frame_get_buffer(dst, 0);
}

int svm_convert(svm_converter *c, const AVFrame *src, AVFrame *dst, int target, int matrix, int full_range) {
  int rc = fit(dst, src, target);
  if (rc < 0) return rc;
  const int flags = SWS_BILINEAR | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT | SWS_FULL_CHR_H_INP;
  c->sws = sws_getCachedContext(c->sws, src->width, src->height, src->format, dst->width, dst->height, target, flags, NULL, NULL, NULL);
  if (!c->sws) return AVERROR(EINVAL);
  // Without this swscale takes everything for BT.601 of limited range.
  const int *table = sws_getCoefficients(matrix == 3 ? SWS_CS_BT2020 : matrix == 2 ? SWS_CS_ITU709 : SWS_CS_ITU601);
  sws_setColorspaceDetails(c->sws, table, full_range, table, full_range, 0, 1 << 16, 1 << 16);
  rc = sws_scale(c->sws, (const uint8_t *const *)src->data, src->linesize, 0, src->height, dst->data, dst->linesize);
  return rc < 0 ? rc : 0;
}
