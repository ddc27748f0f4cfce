// The C side of this package: what go-astiav lacks, and whatever runs once a
// packet, a frame or a log line. No function keeps a Go pointer. The prefix is
// svm_ (streamvet media): names in C are shared by all packages of a program.
#ifndef STREAMVET_MEDIA_H
#define STREAMVET_MEDIA_H

#include <stdint.h>
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>

// Times are nanoseconds; SVM_NO_TIME where the container gives none.
#define SVM_NO_TIME INT64_MIN
int64_t svm_nanoseconds(int64_t v, AVRational time_base);

// --- input.c: opening and reading, with a deadline and a log of its own.

typedef struct svm_input svm_input; // shared by the reading thread, the decoders' threads and Go
typedef struct svm_track svm_track; // what one decoder says in log lines only

typedef struct svm_log_line {
  int32_t level;
  char from[32];
  char text[256];
} svm_log_line;

typedef struct svm_packet_info {
  int64_t pts, dts, duration;
  int32_t stream, flags, size;
  int32_t lines; // of the log, that wait to be taken
  int64_t position; // bytes read of the input, also after an error; -1 where that is not known
} svm_packet_info;

svm_input *svm_input_new(int log_level);
void svm_input_free(svm_input *in);
void svm_input_cancel(svm_input *in);         // whatever blocks now or later returns AVERROR_EXIT; any thread
int svm_input_timed_out(svm_input *in);       // did a deadline pass in any call?
int svm_input_log(svm_input *in, svm_log_line *out, int max, int64_t *dropped);

// Each arms the deadline, timeout_us from now, before it calls FFmpeg.
int svm_open(svm_input *in, AVFormatContext **fc, const char *url, AVDictionary **options, int64_t timeout_us);
int svm_probe(svm_input *in, AVFormatContext *fc, int64_t max_pixels, int64_t timeout_us);
int svm_read(svm_input *in, AVFormatContext *fc, AVPacket *pkt, svm_packet_info *info, int64_t timeout_us);

// The same for an input with a guard: it may call Go.
int svm_read_guarded(svm_input *in, AVFormatContext *fc, AVPacket *pkt, svm_packet_info *info, int64_t timeout_us);

// The input that the calling thread works for; NULL: none.
svm_input *svm_current(void);
svm_input *svm_enter_none(void); // it works for none, until svm_enter_again
void svm_enter_again(svm_input *in);

// --- guard.c: what an input may touch.

typedef char svm_tls[1024];

typedef struct svm_guard {
  uintptr_t handle; // of Go; 0: everything is allowed
  char headers_for[1024]; // the host that HTTP headers are for
  int foreign; // another host is being opened, without them
  int64_t text; // bytes of lines, and connections, in the call under way
  int connections;
  svm_tls tls; // what every address of TLS is asked with; empty: nothing
  unsigned distrusted; // why certificates were refused: SVM_ISSUER and so on
  int (*io_open)(AVFormatContext *, AVIOContext **, const char *, int, AVDictionary **); // FFmpeg's own
} svm_guard;

enum { SVM_ISSUER = 1, SVM_TIME = 2, SVM_HOST = 4 };

svm_guard *svm_input_guard(svm_input *in); // the input's
int svm_guard_works(void); // does FFmpeg ask? Not if it is not linked into this program.
void svm_guard_headers(svm_input *in, AVFormatContext *fc, const char *host);

svm_track *svm_track_new(svm_input *in);
void svm_track_free(svm_track *t);
// Counts since the last call; reading them sets them to 0.
void svm_track_take(svm_track *t, uint32_t *invalid, uint32_t *missing);
// A listener hears every warning and error of its track's decoder, also those of
// the parts below it that do not know the decoder, on the thread that decodes
// (it must be one thread). Set before the decoder is opened.
typedef void svm_listener(void *of, int level, const char *text);
void svm_track_listen(svm_track *t, svm_listener *fn, void *of);
void *svm_track_listener(svm_track *t);
// The calling thread works for t until svm_track_leave.
void svm_track_enter(svm_track *t);
void svm_track_leave(void);

typedef struct svm_stream_info {
  int64_t start, duration, frames; // SVM_NO_TIME, SVM_NO_TIME, 0 where not declared
  int32_t crop_left, crop_top, crop_right, crop_bottom;
  int32_t field_order, lossless, sample_rate, channels, wrap_bits;
  int32_t depth, chroma; // of pictures: bits a sample, svm_chroma_of; 0 where not known
} svm_stream_info;
void svm_stream(AVFormatContext *fc, int index, svm_stream_info *out);
int svm_duration_is_declared(AVFormatContext *fc);
int svm_format_flags(AVFormatContext *fc);
const char *svm_profile_name(int codec_id, int profile);

// --- decode.c

typedef struct svm_frame_info {
  uint8_t *data[4];
  int32_t linesize[4];
  int32_t width, height, format, key, interlaced, corrupt;
  // on_device: data are addresses of the GPU, format is how the surface lies there.
  // coded is the format that decoding in software gives. FFmpeg leaves the left and
  // upper crop of surfaces to us.
  int32_t on_device, coded, crop_left, crop_top;
  int32_t matrix, full_range; // matrix as frame.Matrix
  int64_t pts, duration, opaque;
  int32_t decode_error_flags;
  int32_t samples, sample_rate, channels, sample_format;
} svm_frame_info;

// Ties a decoder to its stream before it is opened.
void svm_decoder_prepare(AVCodecContext *cc, AVRational time_base, svm_track *t, int64_t max_pixels);
int svm_send(AVCodecContext *cc, AVPacket *pkt, int64_t opaque); // pkt NULL: no more packets
int svm_receive(AVCodecContext *cc, AVFrame *f, svm_frame_info *info);

// The samples of channels planes, as float, to out (channels planes of stride
// samples each). Returns 0 where the frame is planar float already and out was
// not touched, 1 where out was filled (or is needed, if it is NULL), negative
// where the format is unknown.
int svm_samples(const AVFrame *f, int channels, float *out, int stride);
const uint8_t *svm_plane(const AVFrame *f, int channel);

// --- convert.c

typedef struct svm_format { // as frame.Format
  int32_t direct; // 0: must be converted, and the rest describes the result
  int32_t target; // AVPixelFormat of the result
  int32_t depth, high, shift_x, shift_y, interleaved, mono, rgb;
} svm_format;
void svm_format_of(int pix_fmt, svm_format *out);
int svm_depth_of(int pix_fmt);  // bits a sample, 0 where not known
int svm_chroma_of(int pix_fmt); // as Chroma: 1 mono, 2 4:2:0, 3 4:2:2, 4 4:4:4, 0 anything else

typedef struct svm_converter svm_converter;
svm_converter *svm_converter_new(void);
void svm_converter_free(svm_converter *c);
// Converts src into dst; dst keeps its buffers as long as the geometry stays.
int svm_convert(svm_converter *c, const AVFrame *src, AVFrame *dst, int target, int matrix, int full_range);

// --- loudness.c

typedef struct svm_loudness {
  int32_t valid; // a reading was taken in this block
  double momentary, short_term, integrated; // LUFS
  double true_peak; // linear, highest since the last reading
} svm_loudness;

typedef struct svm_meter svm_meter;
svm_meter *svm_meter_new(void);
void svm_meter_free(svm_meter *m);
// Takes in a decoded block whose samples are planes too (channels of them, n
// samples each). Begins anew where rate, channels or sample format change.
int svm_meter_feed(svm_meter *m, const AVFrame *f, const float *const *planes, int channels, int n, svm_loudness *out);

#endif
