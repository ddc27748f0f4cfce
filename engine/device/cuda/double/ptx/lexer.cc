#include "lexer.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>

#include "text.h"

namespace ptx {
namespace {

bool starts_word(char c) { return isalpha((unsigned char)c) || c == '_' || c == '$' || c == '%' || c == '.'; }
bool in_word(char c) { return isalnum((unsigned char)c) || c == '_' || c == '$' || c == '.'; }

class Lexer {
public:
  explicit Lexer(const std::string &source) : s(source) {}

  std::vector<Token> all() {
    std::vector<Token> found;
    while (skip_blanks(), at < s.size()) found.push_back(next());
    found.push_back({Token::End, "the end", 0, line});
    return found;
  }

private:
  const std::string &s;
  size_t at = 0;
  int line = 1;

  char look(size_t ahead = 0) const { return at + ahead < s.size() ? s[at + ahead] : 0; }

  void skip_blanks() {
    for (; at < s.size(); at++) {
      if (s[at] == '\n') line++;
      else if (look() == '/' && look(1) == '/') at = std::min(s.find('\n', at), s.size()) - 1;
      else if (look() == '/' && look(1) == '*') skip_comment();
      else if (!isspace((unsigned char)s[at])) return;
    }
  }

  void skip_comment() {
    size_t end = s.find("*/", at + 2);
    if (end == std::string::npos) throw Refusal(line, "a comment without an end");
    for (; at < end + 1; at++) line += s[at] == '\n';
  }

  Token next() {
    if (starts_word(look())) return word();
    if (isdigit((unsigned char)look())) return number();
    if (look() == '"') return string();
    return {Token::Punctuation, std::string(1, s[at++]), 0, line};
  }

  Token word() {
    size_t from = at++;
    while (in_word(look())) at++;
    return {Token::Word, s.substr(from, at - from), 0, line};
  }

  Token string() {
    size_t from = at + 1, end = s.find('"', from);
    if (end == std::string::npos) throw Refusal(line, "a string without an end");
    at = end + 1;
    return {Token::String, s.substr(from, end - from), 0, line};
  }

  // 0f3F800000 and 0d... are the bits of a float and a double.
  Token number() {
    size_t from = at;
    while (isalnum((unsigned char)look())) at++;
    std::string text = s.substr(from, at - from);
    bool raw = text.size() > 2 && text[0] == '0' && is_float_mark(text[1]);
    char *end;
    uint64_t bits = raw ? strtoull(text.c_str() + 2, &end, 16) : strtoull(text.c_str(), &end, 0);
    if (*end == 'U') end++;
    if (*end) throw Refusal(line, "not a number: " + text);
    return {Token::Number, text, bits, line};
  }

  static bool is_float_mark(char c) { return c == 'f' || c == 'F' || c == 'd' || c == 'D'; }
};

} // namespace

std::vector<Token> tokens(const std::string &source) { return Lexer(source).all(); }

} // namespace ptx
