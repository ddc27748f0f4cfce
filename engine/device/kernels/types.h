// The structures that the kernels, the CPU backend and Go share. Plain C: no
// header is needed, every field has a fixed size, and Go mirrors the layout
// (frame.Measures, kernels.Plan, kernels.Picture; a test compares the offsets).
#ifndef SV_TYPES_H
#define SV_TYPES_H

typedef unsigned char sv_u8;
typedef unsigned short sv_u16;
typedef short sv_i16;
typedef int sv_i32;
typedef unsigned int sv_u32;
typedef long long sv_i64;
typedef unsigned long long sv_u64;

// Pictures are at most this many samples a side. Every bound of an accumulator
// below is computed for SV_SIDE_MAX * SV_SIDE_MAX = 2^28 samples.
enum { SV_SIDE_MAX = 16384 };

// One picture as it lies in memory.
struct sv_picture {
  const void *plane[3];  // Y, U, V; interleaved chroma: plane[2] is plane[1] plus one sample
  sv_i32 pitch[3];       // bytes from row to row
  sv_i32 width, height;  // of luma, 1..SV_SIDE_MAX
  sv_i32 chroma_width, chroma_height;    // 0 where there is no chroma
  sv_i32 chroma_shift_x, chroma_shift_y;
  sv_i32 chroma_step;    // samples from one chroma sample to the next: 2 when interleaved, else 1
  sv_i32 sample_bytes;   // 1 or 2
  sv_i32 word_shift;     // right shift from the word to the sample: 16 - depth when high aligned, else 0
  sv_i32 depth;          // significant bits of a sample: 8, 10, 12 or 16
};

enum { SV_AREA = 0, SV_BILINEAR = 1, SV_NONE = 2 };
enum { SV_LUMA = 0, SV_RGB = 1 };
enum { SV_U8 = 1, SV_F16 = 2, SV_F32 = 3 };

// One conversion, made once per source and model. 32-bit fields only.
struct sv_plan {
  sv_i32 filter, channels, type;      // SV_AREA.., SV_LUMA.., SV_U8..
  sv_i32 out_width, out_height;       // the tensor's W and H
  sv_i32 box_x, box_y, box_w, box_h;  // where the picture goes in it; box_w and box_h are at least 1
  float in_scale;                     // sample -> 8-bit units: a power of two
  float black;                        // luma of black, in 8-bit units
  float ky, krv, kgu, kgv, kbu;       // the matrix: y = ky*(Y-black); r = y + krv*v; g = y - kgu*u - kgv*v; b = y + kbu*u
  float mul[3], add[3];               // normalisation by channel; not used with SV_U8
  float pad[3];                       // around the box, as stored in the tensor
};

enum { SV_BINS = 64, SV_BLOCK = 16, SV_GRID_W = 32, SV_GRID_H = 18, SV_NOISE_BINS = 64, SV_HISTOGRAM_ROWS = 4 };

// The measures of one picture: frame.Measures, where the fields are explained.
// The bounds are those of a picture of 2^28 samples.
struct sv_measures {
  sv_u64 sum, sum_sq;                   // <= 2^28 * 255, 2^28 * 65025: 44 bits
  sv_u64 sad;                           // <= 2^28 * 255
  sv_u64 edge_columns[16], edge_rows[16];  // <= 2^28/16 * 32
  sv_u64 laplacian;                     // <= 2^28 * 1020
  sv_u64 gradient_sq1, gradient_sq4;    // <= 2^28 * 65025
  sv_u64 gradient_sq_v1, gradient_sq_v4;
  sv_u64 u_sum, u_sum_sq, v_sum, v_sum_sq;
  sv_u32 width, height, pixels, chroma_pixels;  // <= 2^28
  sv_u32 min, max, u_min, u_max, v_min, v_max;  // <= 255
  sv_u32 histogram_rows;
  sv_u32 histogram[SV_BINS];            // <= 2^26
  sv_u32 has_previous, blocks;          // blocks <= 2^20
  sv_u32 blocks_changed[4];
  sv_u32 block_diff_max;                // <= 255 * 256
  sv_u32 comb_pixels;                   // <= 2^28
  sv_u32 edge_blocks;
  sv_u32 comb_columns;                  // <= 2^28
  sv_u32 noise_histogram[SV_NOISE_BINS];
  sv_u32 noise_blocks;
  sv_u32 band_samples, band_flat, band_steps[4];  // <= 2^27
  sv_u32 border_left, border_top, border_right, border_bottom;  // <= SV_SIDE_MAX/2
  sv_u8 grid_y[SV_GRID_H * SV_GRID_W], grid_u[SV_GRID_H * SV_GRID_W], grid_v[SV_GRID_H * SV_GRID_W];
};

#endif
