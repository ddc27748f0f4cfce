#include "media.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <libavutil/avstring.h>
#include <libavutil/opt.h>
#include <libavutil/time.h>

enum { LOG_LINES = 64 };

struct svm_input {
  _Atomic int64_t deadline_us; // 0: none
  _Atomic int cancelled;
  // Stays set: a demuxer may hide the first interrupted read from its caller, and
  // what lies below keeps giving the same error then.
  _Atomic int timed_out;

  pthread_mutex_t mu; // guards the ring
  svm_log_line ring[LOG_LINES];
  int head, log_level;
  _Atomic int len; // written under mu only
  int64_t dropped;

  svm_guard guard;
};

struct svm_track {
  svm_input *in;
  _Atomic uint32_t invalid, missing;
  svm_listener *listen; // NULL: nobody
  void *listener;
};

// The input that this thread works for: lines from parts of FFmpeg that know
// neither their demuxer nor their decoder (protocols, parsers) belong to it.
static _Thread_local svm_input *current;
// The track with a listener that this thread decodes.
static _Thread_local svm_track *decoding;

// HEVC and a few other decoders conceal damage and set no flag on the frame:
// these lines are all that tells of it. Only lines that clean files do not
// cause are listed.
static const struct { const char *text; int missing; } damage_lines[] = {
  {"Skipping invalid undecodable NALU", 0},
  {"Could not find ref with POC", 1},
  {"Error constructing the frame RPS", 1},
  {"Error parsing NAL unit", 0},
  {"slice CRC mismatch", 0},
  {"CTB outside of", 0},
  {"cu_qp_delta", 0},
  {"The slice_qp", 0},
  {"Overread VLC", 0},
  {"mjpeg_decode_dc: bad vlc", 0},
  {"error count: ", 0},
};

static void count_damage(svm_track *t, const char *text) {
  for (size_t i = 0; i < sizeof damage_lines / sizeof *damage_lines; i++)
    if (strstr(text, damage_lines[i].text)) {
      atomic_fetch_add(damage_lines[i].missing ? &t->missing : &t->invalid, 1);
      return;
    }
}

static void keep_line(svm_input *in, void *ctx, const AVClass *cls, int level, const char *text) {
  pthread_mutex_lock(&in->mu);
  if (in->len == LOG_LINES) {
    in->head = (in->head + 1) % LOG_LINES;
    in->len--;
    in->dropped++;
  }
  svm_log_line *l = &in->ring[(in->head + in->len++) % LOG_LINES];
  l->level = level;
  av_strlcpy(l->from, cls && cls->item_name ? cls->item_name(ctx) : "", sizeof l->from);
  av_strlcpy(l->text, text, sizeof l->text);
  pthread_mutex_unlock(&in->mu);
}

// Runs on any thread of FFmpeg's. A frame thread logs with its own copy of the
// AVCodecContext, but that copy has the same opaque pointer.
static void on_log(void *ctx, int level, const char *fmt, va_list args) {
  level &= 0xff;
  if (level > AV_LOG_WARNING) return;
  const AVClass *cls = ctx ? *(const AVClass **)ctx : NULL;
  svm_input *in = current;
  svm_track *t = NULL;
  if (cls && cls == avcodec_get_class()) {
    t = ((AVCodecContext *)ctx)->opaque;
    if (t) in = t->in;
  } else if (cls && cls == avformat_get_class() && ((AVFormatContext *)ctx)->opaque) {
    in = ((AVFormatContext *)ctx)->opaque;
  } else if (decoding) {
    t = decoding;
    in = t->in;
  }
  if (!in) return;
  char text[sizeof((svm_log_line *)0)->text];
  vsnprintf(text, sizeof text, fmt, args);
  if (t) count_damage(t, text);
  if (t && t == decoding) t->listen(t->listener, level, text);
  if (level <= in->log_level) keep_line(in, ctx, cls, level, text);
}

static int on_interrupt(void *p) {
  svm_input *in = p;
  if (atomic_load_explicit(&in->cancelled, memory_order_relaxed)) return 1;
  int64_t deadline = atomic_load_explicit(&in->deadline_us, memory_order_relaxed);
  if (!deadline || av_gettime_relative() <= deadline) return 0;
  atomic_store(&in->timed_out, 1);
  return 1;
}

svm_input *svm_input_new(int log_level) {
  svm_input *in = calloc(1, sizeof *in);
  if (!in) return NULL;
  pthread_mutex_init(&in->mu, NULL);
  in->log_level = log_level;
  av_log_set_callback(on_log);
  return in;
}

void svm_input_free(svm_input *in) {
  if (!in) return;
  pthread_mutex_destroy(&in->mu);
  free(in);
}

void svm_input_cancel(svm_input *in) { atomic_store(&in->cancelled, 1); }
int svm_input_timed_out(svm_input *in) { return atomic_load(&in->timed_out); }

int svm_input_log(svm_input *in, svm_log_line *out, int max, int64_t *dropped) {
  pthread_mutex_lock(&in->mu);
  int n = in->len < max ? in->len : max;
  for (int i = 0; i < n; i++) out[i] = in->ring[(in->head + i) % LOG_LINES];
  in->head = (in->head + n) % LOG_LINES;
  in->len -= n;
  *dropped = in->dropped;
  in->dropped = 0;
  pthread_mutex_unlock(&in->mu);
  return n;
}

static void enter(svm_input *in, int64_t timeout_us) {
  current = in;
  in->guard.text = in->guard.connections = 0;
  atomic_store(&in->deadline_us, timeout_us > 0 ? av_gettime_relative() + timeout_us : 0);
}

static int leave(svm_input *in, int rc) {
  current = NULL;
  atomic_store(&in->deadline_us, 0);
  return rc;
}

int svm_open(svm_input *in, AVFormatContext **fc, const char *url, AVDictionary **options, int64_t timeout_us) {
  (*fc)->interrupt_callback = (AVIOInterruptCB){on_interrupt, in};
  (*fc)->opaque = in;
  enter(in, timeout_us);
  return leave(in, avformat_open_input(fc, url, NULL, options));
}

int svm_probe(svm_input *in, AVFormatContext *fc, int64_t max_pixels, int64_t timeout_us) {
  // Probing decodes some frames with decoders of its own: they need the limit too.
  unsigned n = fc->nb_streams;
  AVDictionary **options = n ? calloc(n, sizeof *options) : NULL;
  for (unsigned i = 0; options && i < n; i++) av_dict_set_int(&options[i], "max_pixels", max_pixels, 0);
  enter(in, timeout_us);
  int rc = leave(in, avformat_find_stream_info(fc, options));
  for (unsigned i = 0; options && i < n; i++) av_dict_free(&options[i]);
  free(options);
  return rc;
}

int64_t svm_nanoseconds(int64_t v, AVRational tb) {
  if (v == AV_NOPTS_VALUE || tb.num <= 0 || tb.den <= 0) return SVM_NO_TIME;
  v = av_rescale_q(v, tb, (AVRational){1, 1000000000});
  // Beyond 73 years a timestamp is damage, and sums of two could overflow.
  return v > (INT64_C(1) << 61) || v < -(INT64_C(1) << 61) ? SVM_NO_TIME : v;
}

int svm_read(svm_input *in, AVFormatContext *fc, AVPacket *pkt, svm_packet_info *info, int64_t timeout_us) {
  enter(in, timeout_us);
  int rc = leave(in, av_read_frame(fc, pkt));
  info->lines = atomic_load_explicit(&in->len, memory_order_relaxed);
  info->position = fc->pb ? avio_tell(fc->pb) : -1;
  if (rc < 0) return rc;
  AVRational tb = fc->streams[pkt->stream_index]->time_base;
  info->pts = svm_nanoseconds(pkt->pts, tb);
  info->dts = svm_nanoseconds(pkt->dts, tb);
  info->duration = pkt->duration > 0 ? svm_nanoseconds(pkt->duration, tb) : 0;
  if (info->duration < 0) info->duration = 0;
  info->stream = pkt->stream_index;
  info->flags = pkt->flags;
  info->size = pkt->size;
  return rc;
}

int svm_read_guarded(svm_input *in, AVFormatContext *fc, AVPacket *pkt, svm_packet_info *info, int64_t timeout_us) {
  return svm_read(in, fc, pkt, info, timeout_us);
}

svm_input *svm_current(void) { return current; }
void svm_enter_again(svm_input *in) { current = in; }
svm_input *svm_enter_none(void) {
  svm_input *in = current;
  current = NULL;
  return in;
}
svm_guard *svm_input_guard(svm_input *in) { return &in->guard; }

svm_track *svm_track_new(svm_input *in) {
  svm_track *t = calloc(1, sizeof *t);
  if (t) t->in = in;
  return t;
}

void svm_track_free(svm_track *t) { free(t); }

void svm_track_listen(svm_track *t, svm_listener *fn, void *of) {
  t->listen = fn;
  t->listener = of;
}

void *svm_track_listener(svm_track *t) { return t->listener; }
void svm_track_enter(svm_track *t) { decoding = t && t->listen ? t : NULL; }
void svm_track_leave(void) { decoding = NULL; }

void svm_track_take(svm_track *t, uint32_t *invalid, uint32_t *missing) {
  *invalid = atomic_exchange(&t->invalid, 0);
  *missing = atomic_exchange(&t->missing, 0);
}

static uint32_t le32(const uint8_t *p) { return p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24; }

void svm_stream(AVFormatContext *fc, int index, svm_stream_info *out) {
  AVStream *st = fc->streams[index];
  AVCodecParameters *par = st->codecpar;
  *out = (svm_stream_info){0};
  out->start = svm_nanoseconds(st->start_time, st->time_base);
  // What the decoder throws away at the start (the delay of the codec) is not there yet.
  if (out->start < 0 && out->start != SVM_NO_TIME && par->sample_rate > 0)
    out->start += av_rescale(par->initial_padding, 1000000000, par->sample_rate);
  out->duration = st->duration > 0 ? svm_nanoseconds(st->duration, st->time_base) : SVM_NO_TIME;
  out->frames = st->nb_frames;
  out->field_order = par->field_order;
  out->sample_rate = par->sample_rate;
  out->channels = par->ch_layout.nb_channels;
  out->wrap_bits = st->pts_wrap_bits;
  if (par->codec_type == AVMEDIA_TYPE_VIDEO) {
    out->depth = svm_depth_of(par->format);
    out->chroma = svm_chroma_of(par->format);
  }
  const AVCodecDescriptor *d = avcodec_descriptor_get(par->codec_id);
  int pcm = par->codec_id >= AV_CODEC_ID_FIRST_AUDIO && par->codec_id < AV_CODEC_ID_ADPCM_IMA_QT;
  out->lossless = pcm || (d && (d->props & AV_CODEC_PROP_LOSSLESS) && !(d->props & AV_CODEC_PROP_LOSSY));
  const AVPacketSideData *crop = av_packet_side_data_get(par->coded_side_data, par->nb_coded_side_data, AV_PKT_DATA_FRAME_CROPPING);
  if (crop && crop->size >= 16) {
    out->crop_top = le32(crop->data);
    out->crop_bottom = le32(crop->data + 4);
    out->crop_left = le32(crop->data + 8);
    out->crop_right = le32(crop->data + 12);
  }
}

int svm_duration_is_declared(AVFormatContext *fc) {
  return fc->duration != AV_NOPTS_VALUE && fc->duration_estimation_method == AVFMT_DURATION_FROM_STREAM;
}
int svm_format_flags(AVFormatContext *fc) { return fc->iformat ? fc->iformat->flags : 0; }
const char *svm_profile_name(int codec_id, int profile) { return avcodec_profile_name(codec_id, profile); }
