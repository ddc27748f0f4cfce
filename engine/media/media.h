// The C side of this package: what go-astiav lacks, and whatever runs once a
// packet, a frame or a log line. No function keeps a Go pointer.
#ifndef STREAMVET_MEDIA_H
#define STREAMVET_MEDIA_H

#include <stdint.h>
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>

// Times are nanoseconds; SV_NO_TIME where the container gives none.
#define SV_NO_TIME INT64_MIN
int64_t sv_nanoseconds(int64_t v, AVRational time_base);

// --- input.c: opening and reading, with a deadline and a log of its own.

typedef struct sv_input sv_input; // shared by the reading thread, the decoders' threads and Go
typedef struct sv_track sv_track; // what one decoder says in log lines only

typedef struct sv_log_line {
  int32_t level;
  char from[32];
  char text[256];
} sv_log_line;

typedef struct sv_packet_info {
  int64_t pts, dts, duration;
  int32_t stream, flags, size;
  int32_t lines; // of the log, that wait to be taken
} sv_packet_info;

sv_input *sv_input_new(int log_level);
void sv_input_free(sv_input *in);
void sv_input_cancel(sv_input *in);         // whatever blocks now or later returns AVERROR_EXIT; any thread
int sv_input_timed_out(sv_input *in);       // did a deadline pass in any call?
int sv_input_log(sv_input *in, sv_log_line *out, int max, int64_t *dropped);

// Each arms the deadline, timeout_us from now, before it calls FFmpeg.
int sv_open(sv_input *in, AVFormatContext **fc, const char *url, AVDictionary **options, int64_t timeout_us);
int sv_probe(sv_input *in, AVFormatContext *fc, int64_t max_pixels, int64_t timeout_us);
int sv_read(sv_input *in, AVFormatContext *fc, AVPacket *pkt, sv_packet_info *info, int64_t timeout_us);

sv_track *sv_track_new(sv_input *in);
void sv_track_free(sv_track *t);
// Counts since the last call; reading them sets them to 0.
void sv_track_take(sv_track *t, uint32_t *invalid, uint32_t *missing);

typedef struct sv_stream_info {
  int64_t start, duration, frames; // SV_NO_TIME, SV_NO_TIME, 0 where not declared
  int32_t crop_left, crop_top, crop_right, crop_bottom;
  int32_t field_order, lossless, sample_rate, channels, wrap_bits;
} sv_stream_info;
void sv_stream(AVFormatContext *fc, int index, sv_stream_info *out);
int sv_duration_is_declared(AVFormatContext *fc);
int sv_format_flags(AVFormatContext *fc);
const char *sv_profile_name(int codec_id, int profile);

// --- decode.c

typedef struct sv_frame_info {
  uint8_t *data[4];
  int32_t linesize[4];
  int32_t width, height, format, key, interlaced, corrupt;
  int32_t matrix, full_range; // matrix as frame.Matrix
  int64_t pts, duration, opaque;
  int32_t decode_error_flags;
  int32_t samples, sample_rate, channels, sample_format;
} sv_frame_info;

// Ties a decoder to its stream before it is opened.
void sv_decoder_prepare(AVCodecContext *cc, AVFormatContext *fc, int index, sv_track *t, int64_t max_pixels);
int sv_send(AVCodecContext *cc, AVPacket *pkt, int64_t opaque); // pkt NULL: no more packets
int sv_receive(AVCodecContext *cc, AVFrame *f, sv_frame_info *info);

// The samples of channels planes, as float, to out (channels planes of stride
// samples each). Returns 0 where the frame is planar float already and out was
// not touched, 1 where out was filled (or is needed, if it is NULL), negative
// where the format is unknown.
int sv_samples(const AVFrame *f, int channels, float *out, int stride);
const uint8_t *sv_plane(const AVFrame *f, int channel);

// --- convert.c

typedef struct sv_format { // as frame.Format
  int32_t direct; // 0: must be converted, and the rest describes the result
  int32_t target; // AVPixelFormat of the result
  int32_t depth, high, shift_x, shift_y, interleaved, mono, rgb;
} sv_format;
void sv_format_of(int pix_fmt, sv_format *out);

typedef struct sv_converter sv_converter;
sv_converter *sv_converter_new(void);
void sv_converter_free(sv_converter *c);
// Converts src into dst; dst keeps its buffers as long as the geometry stays.
int sv_convert(sv_converter *c, const AVFrame *src, AVFrame *dst, int target, int matrix, int full_range);

// --- loudness.c

typedef struct sv_loudness {
  int32_t valid; // a reading was taken in this block
  double momentary, short_term, integrated; // LUFS
  double true_peak; // linear, highest since the last reading
} sv_loudness;

typedef struct sv_meter sv_meter;
sv_meter *sv_meter_new(void);
void sv_meter_free(sv_meter *m);
// Takes in a decoded block whose samples are planes too (channels of them, n
// samples each). Begins anew where rate, channels or sample format change.
int sv_meter_feed(sv_meter *m, const AVFrame *f, const float *const *planes, int channels, int n, sv_loudness *out);

#endif
