#include "media.h"
#include "truepeak.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <libavfilter/avfilter.h>
#include <libavfilter/buffersink.h>
#include <libavfilter/buffersrc.h>
#include <libavutil/channel_layout.h>

enum { MAX_CHANNELS = 16 };

// FFmpeg's ebur128 gives the loudness; its true peaks are those since the start,
// and twice as dear as the rest, so that part is ours.
struct svm_meter {
  AVFilterGraph *graph;
  AVFilterContext *src, *sink;
  AVFrame *in, *out;
  int rate, format;
  AVChannelLayout layout;
  svm_truepeak *peaks; // MAX_CHANNELS
  double peak;
};

svm_meter *svm_meter_new(void) {
  svm_meter *m = calloc(1, sizeof *m);
  if (!m) return NULL;
  m->in = av_frame_alloc();
  m->out = av_frame_alloc();
  m->peaks = calloc(MAX_CHANNELS, sizeof *m->peaks);
  if (!m->in || !m->out || !m->peaks) {
    svm_meter_free(m);
    return NULL;
  }
  return m;
}

void svm_meter_free(svm_meter *m) {
  if (!m) return;
  avfilter_graph_free(&m->graph);
  av_frame_free(&m->in);
  av_frame_free(&m->out);
  av_channel_layout_uninit(&m->layout);
  free(m->peaks);
  free(m);
}

static int build(svm_meter *m, const AVFrame *f, const AVChannelLayout *layout) {
  avfilter_graph_free(&m->graph);
  m->graph = avfilter_graph_alloc();
  if (!m->graph) return AVERROR(ENOMEM);
  m->graph->nb_threads = 1;
  char args[256], name[128];
  av_channel_layout_describe(layout, name, sizeof name);
  snprintf(args, sizeof args, "time_base=1/%d:sample_rate=%d:sample_fmt=%d:channel_layout=%s", f->sample_rate, f->sample_rate, f->format, name);
  AVFilterContext *meter;
  int rc;
  if ((rc = avfilter_graph_create_filter(&m->src, avfilter_get_by_name("abuffer"), "in", args, NULL, m->graph)) < 0) return rc;
  if ((rc = avfilter_graph_create_filter(&meter, avfilter_get_by_name("ebur128"), "meter", "metadata=1:framelog=quiet", NULL, m->graph)) < 0) return rc;
  if ((rc = avfilter_graph_create_filter(&m->sink, avfilter_get_by_name("abuffersink"), "out", NULL, NULL, m->graph)) < 0) return rc;
  if ((rc = avfilter_link(m->src, 0, meter, 0)) < 0 || (rc = avfilter_link(meter, 0, m->sink, 0)) < 0) return rc;
  return avfilter_graph_config(m->graph, NULL);
}

// prepare sees to it that the graph fits the block.
static int prepare(svm_meter *m, const AVFrame *f) {
  AVChannelLayout layout = {0};
  int rc = 0;
  // ebur128 weighs channels by their place: those without one get the usual.
  if (f->ch_layout.order == AV_CHANNEL_ORDER_UNSPEC) av_channel_layout_default(&layout, f->ch_layout.nb_channels);
  else rc = av_channel_layout_copy(&layout, &f->ch_layout);
  if (rc < 0) return rc;
  if (m->rate == f->sample_rate && m->format == f->format && !av_channel_layout_compare(&m->layout, &layout)) {
    av_channel_layout_uninit(&layout);
    return m->graph ? 0 : AVERROR(EINVAL);
  }
  m->rate = f->sample_rate;
  m->format = f->format;
  av_channel_layout_uninit(&m->layout);
  m->layout = layout;
  m->peak = 0;
  for (int c = 0; c < MAX_CHANNELS; c++) svm_truepeak_init(&m->peaks[c]);
  if ((rc = build(m, f, &layout)) < 0) avfilter_graph_free(&m->graph);
  return rc;
}

static double reading(const AVFrame *f, const char *key) {
  const AVDictionaryEntry *e = av_dict_get(f->metadata, key, NULL, 0);
  return e ? strtod(e->value, NULL) : -INFINITY;
}

static int collect(svm_meter *m, svm_loudness *out) {
  int rc;
  while ((rc = av_buffersink_get_frame(m->sink, m->out)) >= 0) {
    if (av_dict_get(m->out->metadata, "lavfi.r128.M", NULL, 0)) {
      out->valid = 1;
      out->momentary = reading(m->out, "lavfi.r128.M");
      out->short_term = reading(m->out, "lavfi.r128.S");
      out->integrated = reading(m->out, "lavfi.r128.I");
    }
    av_frame_unref(m->out);
  }
  if (out->valid) {
    out->true_peak = m->peak;
    m->peak = 0;
  }
  return rc == AVERROR(EAGAIN) || rc == AVERROR_EOF ? 0 : rc;
}

int svm_meter_feed(svm_meter *m, const AVFrame *f, const float *const *planes, int channels, int n, svm_loudness *out) {
  *out = (svm_loudness){0};
  int rc = prepare(m, f);
  if (rc < 0) return rc;
  for (int c = 0; c < channels && c < MAX_CHANNELS; c++) {
    float p = svm_truepeak_feed(&m->peaks[c], planes[c], n);
    if (p > m->peak) m->peak = p;
  }
  av_frame_unref(m->in);
  if ((rc = av_frame_ref(m->in, f)) < 0) return rc;
  m->in->pts = AV_NOPTS_VALUE;
  if ((rc = av_channel_layout_copy(&m->in->ch_layout, &m->layout)) < 0) return rc;
  if ((rc = av_buffersrc_add_frame_flags(m->src, m->in, 0)) < 0) return rc;
  return collect(m, out);
}
