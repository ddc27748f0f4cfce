// From tokens to a Text. Names that are declared in an inner scope { } are made
// unique, so that a function has one flat list of registers and variables.
#include "lexer.h"
#include "text.h"

#include <algorithm>
#include <cstring>
#include <set>

namespace ptx {

const std::map<std::string, Space> kSpaces{
    {".global", Space::Global}, {".const", Space::Const}, {".shared", Space::Shared}, {".local", Space::Local}, {".param", Space::Param}};

namespace {

struct Scope {
  int number;
  std::set<std::string> names;
};

class Parser {
public:
  explicit Parser(const std::string &source) : all(tokens(source)) {}

  Text module() {
    if (!is(".version")) throw Refusal(1, "not PTX: it does not begin with .version");
    while (look().kind != Token::End) top_level();
    if (!text.target) throw Refusal(1, "no .target sm_");
    return std::move(text);
  }

private:
  std::vector<Token> all;
  size_t at = 0;
  Text text;
  Function *f = nullptr;
  std::vector<Scope> scopes;
  int scopes_seen = 0;

  // ---- tokens
  const Token &look(size_t ahead = 0) const { return all[std::min(at + ahead, all.size() - 1)]; }
  const Token &take() { return all[at < all.size() - 1 ? at++ : at]; }
  bool is(const char *t) const { return look().text == t && look().kind != Token::String; }
  bool accept(const char *t) { return is(t) && (at++, true); }
  [[noreturn]] void refuse(const std::string &what) const { throw Refusal(look().line, what); }
  void expect(const char *t) {
    if (!accept(t)) refuse(std::string("expected ") + t + ", found " + look().text);
  }
  std::string name() {
    if (look().kind != Token::Word) refuse("expected a name, found " + look().text);
    return take().text;
  }
  uint64_t number() {
    bool minus = accept("-");
    if (look().kind != Token::Number) refuse("expected a number, found " + look().text);
    uint64_t v = take().bits;
    return minus ? -v : v;
  }
  void skip_to(const char *t) {
    while (!accept(t)) {
      if (look().kind == Token::End) refuse(std::string("the end before ") + t);
      take();
    }
  }

  // ---- the module
  void top_level() {
    if (accept(".version")) {
      text.version = (int)number() * 10;
      if (look().kind == Token::Word) text.version += atoi(take().text.c_str() + 1); // .3
    } else if (accept(".target")) {
      std::string t = name();
      text.target = t.compare(0, 3, "sm_") == 0 ? atoi(t.c_str() + 3) : 0;
      while (accept(",")) name();
    } else if (accept(".address_size")) {
      if (number() != 64) refuse("only addresses of 64 bits");
    } else if (accept(".file") || accept(".loc")) {
      skip_line();
    } else if (is(".visible") || is(".weak") || is(".extern") || is(".common")) {
      bool external = is(".extern");
      take();
      declaration(external);
    } else {
      declaration(false);
    }
  }

  void skip_line() {
    for (int line = look().line; look().line == line && look().kind != Token::End;) take();
  }

  void declaration(bool external) {
    if (is(".entry") || is(".func")) return function(external);
    variables(text.variables, external);
  }

  // ---- variables: .global .align 4 .b8 x[16] = {...};
  static bool space_of(const std::string &t, Space &s) {
    auto it = kSpaces.find(t);
    if (it == kSpaces.end()) return false;
    s = it->second;
    return true;
  }

  size_t element_bytes(const std::string &type) const {
    if (type == ".pred") return 0;
    int bits = type.size() > 2 ? atoi(type.c_str() + 2) : 0;
    if (!strchr("busf", type[1]) || (bits != 8 && bits != 16 && bits != 32 && bits != 64)) refuse("unknown type " + type);
    return bits / 8;
  }

  Variable variable(bool external) {
    Variable v{"", Space::Generic, 0, 0, false, {}};
    if (!space_of(look().text, v.space)) refuse("unknown directive " + look().text);
    take();
    size_t element = 0, vector = 1;
    while (look().text[0] == '.') {
      if (accept(".align")) v.align = number();
      else if (accept(".ptr")) continue; // a hint, with a space and an alignment
      else if (accept(".v2")) vector = 2;
      else if (accept(".v4")) vector = 4;
      else if (Space hint; space_of(look().text, hint)) take();
      else element = element_bytes(take().text);
    }
    v.name = declare(name());
    v.bytes = element * vector;
    if (!v.align) v.align = v.bytes;
    while (accept("[")) {
      if (is("]")) {
        if (!external || v.space != Space::Shared) refuse(v.name + " has no size");
        v.extent_at_launch = true, v.bytes = 0;
      } else v.bytes *= number();
      expect("]");
    }
    if (accept("=")) initial(v, element);
    return v;
  }

  void initial(Variable &v, size_t element) {
    auto put = [&] {
      if (look().kind != Token::Number && !is("-")) refuse("only numbers can initialise " + v.name);
      uint64_t bits = number();
      for (size_t i = 0; i < element; i++) v.init.push_back((uint8_t)(bits >> 8 * i));
    };
    if (!accept("{")) return put();
    int depth = 1;
    while (depth) {
      if (accept("{")) depth++;
      else if (accept("}")) depth--;
      else if (!accept(",")) put();
    }
    if (v.init.size() > v.bytes) refuse("too many initial values for " + v.name);
  }

  void variables(std::vector<Variable> &to, bool external) {
    to.push_back(variable(external));
    if (external && !to.back().extent_at_launch) refuse("external variable " + to.back().name + ": modules are not linked");
    expect(";");
  }

  // ---- functions
  void function(bool external) {
    Function made;
    f = &made;
    scopes = {{0, {}}};
    scopes_seen = 0;
    made.entry = take().text == ".entry";
    if (is("(")) made.results = parameters();
    made.name = name();
    if (is("(")) made.params = parameters();
    while (is(".maxntid") || is(".reqntid") || is(".minnctapersm") || is(".maxnreg") || is(".noreturn")) {
      take();
      while (look().kind == Token::Number || is(",")) take();
    }
    if (accept(";")) {
      if (external) refuse("external function " + made.name + ": modules are not linked");
      return; // a prototype; the body comes later
    }
    expect("{");
    body();
    text.functions[made.name] = std::move(made);
    f = nullptr;
  }

  std::vector<Variable> parameters() {
    std::vector<Variable> all;
    expect("(");
    while (!accept(")")) {
      if (is(".reg")) refuse("parameters in registers are not supported");
      all.push_back(variable(false));
      if (!is(")")) expect(",");
    }
    return all;
  }

  std::string unique(const std::string &n, int scope) const { return scope ? n + "#" + std::to_string(scope) : n; }

  std::string declare(const std::string &n) {
    if (!f) return n;
    scopes.back().names.insert(n);
    return unique(n, scopes.back().number);
  }

  std::string resolve(const std::string &n) const {
    for (auto s = scopes.rbegin(); s != scopes.rend(); ++s)
      if (s->names.count(n)) return unique(n, s->number);
    return n;
  }

  // Labels can be used before they stand there: find those of a scope when it opens.
  void declare_labels() {
    int depth = 0;
    for (size_t i = at; all[i].kind != Token::End; i++) {
      if (all[i].text == "{") depth++;
      if (all[i].text == "}" && --depth < 0) return;
      if (!depth && all[i].kind == Token::Word && all[i + 1].text == ":") scopes.back().names.insert(all[i].text);
    }
  }

  void body() {
    declare_labels();
    while (!accept("}")) {
      if (look().kind == Token::End) refuse("the end inside " + f->name);
      statement();
    }
  }

  void statement() {
    Space s;
    if (accept("{")) {
      scopes.push_back({++scopes_seen, {}});
      body();
      scopes.pop_back();
    } else if (accept(".reg")) registers();
    else if (space_of(look().text, s)) variables(f->variables, false);
    else if (accept(".loc")) skip_line();
    else if (accept(".pragma")) skip_to(";");
    else if (accept(".callprototype")) refuse("indirect calls are not supported");
    else if (look().kind == Token::Word && look(1).text == ":") {
      f->body.push_back({look().line, resolve(take().text), "", false, "", {}});
      expect(":");
    } else instruction();
  }

  void registers() {
    std::string type = name();
    int bits = type == ".pred" ? 1 : (int)element_bytes(type) * 8;
    do {
      std::string n = name();
      if (!accept("<")) {
        f->registers[declare(n)] = bits;
        continue;
      }
      uint64_t count = number();
      if (count > 100000) refuse("too many registers");
      for (uint64_t i = 0; i < count; i++) f->registers[declare(n + std::to_string(i))] = bits;
      expect(">");
    } while (accept(","));
    expect(";");
  }

  // ---- instructions: @!%p1 add.s32 %r1, %r2, -3;
  void instruction() {
    Statement s{look().line, "", "", false, "", {}};
    if (accept("@")) {
      s.guard_negated = accept("!");
      s.guard = resolve(name());
    }
    s.op = name();
    while (!accept(";")) {
      s.operands.push_back(operand());
      if (!is(";")) expect(",");
    }
    f->body.push_back(std::move(s));
  }

  Operand operand() {
    if (is("[")) return address();
    if (is("{")) return group("{", "}", Operand::Vector);
    if (is("(")) return group("(", ")", Operand::List);
    Operand o(Operand::Number);
    if (look().kind == Token::Number || is("-")) {
      o.bits = number();
      return o;
    }
    o.negated = accept("!");
    o.name = resolve(name());
    o.kind = o.name[0] == '%' || f->registers.count(o.name) ? Operand::Register : Operand::Name;
    if (accept("+")) o.offset = (int64_t)number();
    if (accept("|")) o.second = resolve(name());
    return o;
  }

  Operand address() {
    Operand o(Operand::Address);
    expect("[");
    if (look().kind == Token::Number) o.offset = (int64_t)number();
    else o.name = resolve(name());
    if (accept("+") || is("-")) o.offset = (int64_t)number();
    expect("]");
    return o;
  }

  Operand group(const char *open, const char *close, Operand::Kind kind) {
    Operand o(kind);
    expect(open);
    while (!accept(close)) {
      o.parts.push_back(operand());
      if (!is(close)) expect(",");
    }
    return o;
  }
};

} // namespace

Text parse(const std::string &source) { return Parser(source).module(); }

} // namespace ptx
