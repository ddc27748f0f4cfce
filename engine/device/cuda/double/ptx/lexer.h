// Words, numbers and punctuation of PTX.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace ptx {

struct Token {
  enum Kind : uint8_t { Word, Number, Punctuation, String, End } kind;
  std::string text;
  uint64_t bits = 0;
  int line = 0;
};

std::vector<Token> tokens(const std::string &source);

} // namespace ptx
