// What the decoder can do, and what it is told to refuse.
#include "nvcuvid.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <set>
#include <sstream>
#include <vector>

namespace nvdec {
namespace {

struct Ability {
  std::vector<int> depths, chromas;
  unsigned max_width, max_height, max_blocks, min_width, min_height;
};

const Ability *ability(int codec) {
  static const std::map<int, Ability> all{
      {kMpeg1, {{8}, {k420}, 4080, 4080, 65280, 48, 16}},
      {kMpeg2, {{8}, {k420}, 4080, 4080, 65280, 48, 16}},
      {kMpeg4, {{8}, {k420}, 2032, 2032, 8192, 48, 16}},
      {kVc1, {{8}, {k420}, 2032, 2032, 8192, 48, 16}},
      {kH264, {{8}, {k420}, 4096, 4096, 65536, 48, 16}},
      {kJpeg, {{8}, {kMono, k420}, 32768, 16384, 67108864, 64, 64}},
      {kHevc, {{8, 10, 12}, {k420, k444}, 8192, 8192, 262144, 144, 144}},
      {kVp8, {{8}, {k420}, 4096, 4096, 65536, 48, 16}},
      {kVp9, {{8, 10, 12}, {k420}, 8192, 8192, 262144, 128, 128}},
      {kAv1, {{8, 10}, {kMono, k420}, 8192, 8192, 262144, 128, 128}},
  };
  auto it = all.find(codec);
  return it == all.end() ? nullptr : &it->second;
}

bool has(const std::vector<int> &v, int x) { return std::find(v.begin(), v.end(), x) != v.end(); }

// Words that REFUSE_DECODER can name a decoder by.
std::set<std::string> words_of(const Create &c) {
  static const char *const chromas[] = {"400", "420", "422", "444"};
  std::string size = std::to_string(c.width) + "x" + std::to_string(c.height);
  return {codec_name(c.codec), std::to_string(c.depth_minus_8 + 8), chromas[c.chroma & 3], size, "*"};
}

// REFUSE_DECODER=hevc 10;h264 1920x1088 refuses what has all words of one of its parts.
bool told_to_refuse(const Create &c) {
  std::set<std::string> mine = words_of(c);
  std::istringstream parts(option("REFUSE_DECODER"));
  for (std::string part; std::getline(parts, part, ';');) {
    std::istringstream words(part);
    bool all = true, any = false;
    for (std::string word; words >> word; any = true) all &= mine.count(word) > 0;
    if (all && any) return true;
  }
  return false;
}

} // namespace

const char *codec_name(int codec) {
  static const char *const names[kCodecs] = {"mpeg1", "mpeg2", "mpeg4", "vc1", "h264", "mjpeg", "h264svc", "h264mvc", "hevc", "vp8", "vp9", "av1"};
  return codec >= 0 && codec < kCodecs ? names[codec] : "unknown";
}

std::string option(const char *name) {
  std::string v(streamvet_double_option(name, nullptr, 0), 0);
  v.resize(std::min(v.size(), streamvet_double_option(name, v.data(), v.size() + 1)));
  return v;
}

void fill_caps(Caps &c) {
  const Ability *a = ability(c.codec);
  int depth = (int)c.depth_minus_8 + 8;
  c.supported = a && has(a->depths, depth) && has(a->chromas, c.chroma);
  c.engines = 0, c.formats = 0;
  c.max_width = c.max_height = c.max_blocks = 0, c.min_width = c.min_height = 0;
  if (!c.supported) return;
  std::string engines = option("NVDECS");
  c.engines = (uint8_t)(engines.empty() ? 1 : atoi(engines.c_str()));
  c.formats = c.chroma == k444 ? (depth > 8 ? 1 << kYuv444High : 1 << kYuv444) : (depth > 8 ? 1 << kP016 : 1 << kNv12);
  c.max_width = a->max_width, c.max_height = a->max_height, c.max_blocks = a->max_blocks;
  bool small = !option("SMALL").empty();
  c.min_width = (uint16_t)(small ? 16 : a->min_width), c.min_height = (uint16_t)(small ? 16 : a->min_height);
}

int refused(const Create &c) {
  Caps caps{};
  caps.codec = c.codec, caps.chroma = c.chroma, caps.depth_minus_8 = (unsigned)c.depth_minus_8;
  fill_caps(caps);
  if (told_to_refuse(c) || !caps.supported || !(caps.formats >> c.format & 1)) return kNotSupported;
  if (c.width < caps.min_width || c.height < caps.min_height || c.width > caps.max_width || c.height > caps.max_height) return kNotSupported;
  if (c.width * c.height / 256 > caps.max_blocks) return kNotSupported;
  if (!c.decode_surfaces || c.decode_surfaces > 32 || !c.output_surfaces || c.output_surfaces > 64) return kInvalidValue;
  if (c.target_width % 2 || c.target_height % 2) return kInvalidValue;
  return kSuccess;
}

} // namespace nvdec

API int cuvidGetDecoderCaps(nvdec::Caps *c) {
  int device;
  if (int r = streamvet_double_check(__func__, &device)) return r;
  nvdec::fill_caps(*c);
  return nvdec::kSuccess;
}
