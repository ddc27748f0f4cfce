// Decoding on NVDEC, through FFmpeg. hardware.c has it, in builds with the tag
// cuda. Nothing here links against the driver: its libraries are loaded where
// they are needed, as FFmpeg does.
#ifndef STREAMVET_MEDIA_HARDWARE_H
#define STREAMVET_MEDIA_HARDWARE_H

#include "media.h"

typedef struct svm_hardware svm_hardware; // what one decoder has to do with the driver

// NULL where the driver's libraries cannot be had; why then says so.
svm_hardware *svm_hardware_new(uintptr_t context, uintptr_t stream, char *why, int size);
void svm_hardware_free(svm_hardware *h);

typedef struct svm_caps {
  int32_t supported, engines, min_width, min_height, max_width, max_height, max_macroblocks;
} svm_caps;
// What NVDEC does with a codec (AVCodecID), chroma (as svm_chroma_of) and depth. It
// gives a CUresult.
int svm_hardware_caps(svm_hardware *h, int codec_id, int chroma, int depth, svm_caps *out);
// Why FFmpeg and NVDEC together cannot decode this on any GPU; NULL where they may.
const char *svm_hardware_refuses(int codec_id, int profile, int pix_fmt, int width, int height);

// Makes cc, which is not open yet, decode on the GPU; t is its track. An AVERROR.
int svm_hardware_attach(svm_hardware *h, AVCodecContext *cc, svm_track *t);

typedef struct svm_hardware_said {
  int32_t refused; // the decoder was told to go on in software
  int32_t begun; // NVDEC had decoded before
  int32_t failures; // calls of the driver that failed
  int32_t undecoded; // one of them was the decoding of a picture
  int32_t ours;     // one of them for a reason that cannot lie in the bitstream
  char reason[256]; // of the refusal or the first failure
} svm_hardware_said;
// What happened since the last call, in svm_send and svm_receive.
void svm_hardware_take(svm_hardware *h, AVCodecContext *cc, svm_hardware_said *out);

// Asks the driver whether the GPU still answers: 0, or the CUresult that every call
// gives from now on.
int svm_hardware_lost(svm_hardware *h);
void svm_hardware_error_name(svm_hardware *h, int result, char *out, int size);

#endif
