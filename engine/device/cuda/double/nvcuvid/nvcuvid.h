// The part of the decoder's interface that FFmpeg uses, declared anew.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>

#include "../inside.h"

#define API extern "C" __attribute__((visibility("default")))

namespace nvdec {

enum : int { kSuccess = 0, kInvalidValue = 1, kOutOfMemory = 2, kInvalidHandle = 400, kNotSupported = 801 };
enum Codec : int { kMpeg1, kMpeg2, kMpeg4, kVc1, kH264, kJpeg, kH264Svc, kH264Mvc, kHevc, kVp8, kVp9, kAv1, kCodecs };
enum Chroma : int { kMono, k420, k422, k444 };
enum Surface : int { kNv12, kP016, kYuv444, kYuv444High };

struct Caps { // CUVIDDECODECAPS
  int codec, chroma;
  unsigned depth_minus_8, reserved1[3];
  uint8_t supported, engines;
  uint16_t formats;
  unsigned max_width, max_height, max_blocks;
  uint16_t min_width, min_height;
  uint8_t histogram, counter_depth;
  uint16_t bins;
  unsigned reserved2[10];
};
static_assert(sizeof(Caps) == 88);

struct Create { // CUVIDDECODECREATEINFO
  unsigned long width, height, decode_surfaces;
  int codec, chroma;
  unsigned long flags, depth_minus_8, intra_only, max_width, max_height, reserved1;
  short display[4];
  int format, deinterlace;
  unsigned long target_width, target_height, output_surfaces;
  void *lock;
  short target[4];
  unsigned long histogram, reserved2[4];
};
static_assert(sizeof(Create) == 176);

struct Picture { // CUVIDPICPARAMS
  int blocks_x, blocks_y, index, is_field, is_bottom, is_second_field;
  unsigned bytes;
  const uint8_t *data;
  unsigned slices;
  const unsigned *offsets;
  int is_reference, is_intra;
  unsigned reserved[30], codec[1024];
};
static_assert(sizeof(Picture) == 4280 && offsetof(Picture, codec) == 184);

struct Process { // CUVIDPROCPARAMS
  int progressive, second_field, top_first, unpaired;
  unsigned flags, zero;
  unsigned long long raw_in;
  unsigned raw_in_pitch, raw_in_format;
  unsigned long long raw_out;
  unsigned raw_out_pitch, reserved1;
  void *stream;
  unsigned reserved2[46];
  void *histogram, *reserved3;
};
static_assert(sizeof(Process) == 264 && offsetof(Process, stream) == 56);

const char *codec_name(int codec);
std::string option(const char *name);

// What an NVDEC of the Turing generation and later decodes.
void fill_caps(Caps &);
// refused says why a decoder cannot be made; kSuccess if it can.
int refused(const Create &);

} // namespace nvdec
