// Loads and stores.
#include "block.h"
#include "ops.h"

namespace ptx {
namespace {

// Reach finds the host's address for a lane, in the common case without a call.
class Reach {
public:
  Reach(Warp &w, const Instruction &i, size_t size)
      : w(w), i(i), size(size), from(w.slot<uint64_t>(i.at[4])), global(i.space == Space::Global), last(w.block->ranges[i.index]) {}

  uint8_t *of(int lane) {
    uint64_t a = from[lane] + (uint64_t)i.number;
    if (global && !(a & (size - 1)) && a - last.base < last.size && last.size - (a - last.base) >= size) return reinterpret_cast<uint8_t *>(a);
    uint8_t *p = w.address(i, a, size, lane);
    last = w.block->ranges[i.index];
    return p;
  }

private:
  Warp &w;
  const Instruction &i;
  size_t size;
  const uint64_t *from;
  bool global;
  Range last;
};

template <class T, class R> R widened(T v) {
  if constexpr (std::is_signed_v<T>) return (R)(std::make_signed_t<R>)v;
  else return (R)v;
}

template <class T, class R, int N> void load(Warp &w, const Instruction &i) {
  Reach reach(w, i, sizeof(T) * N);
  R *d[N];
  for (int k = 0; k < N; k++) d[k] = w.slot<R>(i.at[k]);
  w.each([&](int l) {
    T v[N];
    memcpy(v, reach.of(l), sizeof v);
    for (int k = 0; k < N; k++) d[k][l] = widened<T, R>(v[k]);
  });
}

template <class T, class R, int N> void store(Warp &w, const Instruction &i) {
  Reach reach(w, i, sizeof(T) * N);
  const R *s[N];
  for (int k = 0; k < N; k++) s[k] = w.slot<R>(i.at[k]);
  w.each([&](int l) {
    T v[N];
    for (int k = 0; k < N; k++) v[k] = (T)s[k][l];
    memcpy(reach.of(l), v, sizeof v);
  });
}

// Parameters of the kernel are the same for all lanes.
template <class T, class R, int N> void parameter(Warp &w, const Instruction &i) {
  T v[N];
  memcpy(v, w.block->launch.arguments.data() + i.number, sizeof v);
  for (int k = 0; k < N; k++) {
    R *d = w.slot<R>(i.at[k]), value = widened<T, R>(v[k]);
    w.each([=](int l) { d[l] = value; });
  }
}

// An operand of at least the size of T, or a vector of them.
template <class T> const char *spec(bool write, int n) {
  constexpr size_t k = sizeof(T) == 1 ? 0 : sizeof(T) == 2 ? 1 : sizeof(T) == 4 ? 2 : 3;
  static const char *const loads[3][4] = {{">1a", ">2a", ">4a", ">8a"},
                                          {"(>1>1)a", "(>2>2)a", "(>4>4)a", "(>8>8)a"},
                                          {"(>1>1>1>1)a", "(>2>2>2>2)a", "(>4>4>4>4)a", "(>8>8>8>8)a"}};
  static const char *const stores[3][4] = {{"a<1", "a<2", "a<4", "a<8"},
                                           {"a(<1<1)", "a(<2<2)", "a(<4<4)", "a(<8<8)"},
                                           {"a(<1<1<1<1)", "a(<2<2<2<2)", "a(<4<4<4<4)", "a(<8<8<8<8)"}};
  return write ? stores[n / 2][k] : loads[n / 2][k];
}

template <class T, int N> void add_vector(Table &t, const std::string &suffix) {
  for (const char *space : {"", ".global", ".shared", ".local", ".const", ".param"}) {
    bool constant = !strcmp(space, ".const"), param = !strcmp(space, ".param");
    for (const char *how : {"", ".volatile"}) {
      if (*how && (constant || param)) continue;
      Run narrow = param ? parameter<T, uint32_t, N> : load<T, uint32_t, N>, wide = param ? parameter<T, uint64_t, N> : load<T, uint64_t, N>;
      Op ld{spec<T>(false, N), {narrow, wide}}, st{spec<T>(true, N), {store<T, uint32_t, N>, store<T, uint64_t, N>}};
      if (N > 1) ld.run[3] = wide, st.run[3] = st.run[1]; // all parts have one width
      t[std::string("ld") + how + space + suffix] = ld;
      if (!constant) t[std::string("st") + how + space + suffix] = st;
    }
  }
  t["ld.global.nc" + suffix] = t["ld.global" + suffix];
}

template <class T> void add_type(Table &t, const std::string &type) {
  add_vector<T, 1>(t, "." + type);
  add_vector<T, 2>(t, ".v2." + type);
  if constexpr (sizeof(T) < 8) add_vector<T, 4>(t, ".v4." + type);
}

void same(Warp &w, const Instruction &i) {
  map1<uint64_t, uint64_t>(w, i, [](uint64_t a) { return a; });
}

void in_shared(Warp &w, const Instruction &i) {
  const uint64_t *a = w.slot<uint64_t>(i.at[1]);
  set_predicate(w, i.at[0], lanes_where(w, [=](int l) { return a[l] >= kSharedBase && a[l] < kLocalBase; }));
}
void in_local(Warp &w, const Instruction &i) {
  const uint64_t *a = w.slot<uint64_t>(i.at[1]);
  set_predicate(w, i.at[0], lanes_where(w, [=](int l) { return a[l] >= kLocalBase; }));
}
void in_global(Warp &w, const Instruction &i) {
  const uint64_t *a = w.slot<uint64_t>(i.at[1]);
  set_predicate(w, i.at[0], lanes_where(w, [=](int l) { return a[l] < kSharedBase; }));
}

} // namespace

void add_memory_ops(Table &t) {
  for (const char *type : {"u8", "b8"}) add_type<uint8_t>(t, type);
  for (const char *type : {"u16", "b16"}) add_type<uint16_t>(t, type);
  for (const char *type : {"u32", "b32", "f32"}) add_type<uint32_t>(t, type);
  for (const char *type : {"u64", "b64", "f64"}) add_type<uint64_t>(t, type);
  add_type<int8_t>(t, "s8");
  add_type<int16_t>(t, "s16");
  add_type<int32_t>(t, "s32");
  add_type<int64_t>(t, "s64");
  // Every address is generic already: shared and local memory have windows of their own.
  for (const char *space : {"global", "const", "shared", "local", "to.global", "to.const", "to.shared", "to.local"})
    t[std::string("cvta.") + space + ".u64"] = {"Xx", {same}};
  t["isspacep.shared"] = {"Px", {in_shared}};
  t["isspacep.local"] = {"Px", {in_local}};
  t["isspacep.global"] = {"Px", {in_global}};
}

} // namespace ptx
