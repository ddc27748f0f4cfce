// The test double's driver: what its files share. One lock guards all state; work that has been
// taken from a stream runs without it.
#pragma once
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#define API extern "C" __attribute__((visibility("default")))

using Result = int; // CUresult
enum : int {
  kSuccess = 0, kInvalidValue = 1, kOutOfMemory = 2, kNotInitialized = 3, kNoDevice = 100, kInvalidDevice = 101,
  kInvalidImage = 200, kInvalidContext = 201, kNoBinaryForGpu = 209, kInvalidPtx = 218, kUnsupportedPtx = 222,
  kInvalidHandle = 400, kNotFound = 500, kNotReady = 600, kIllegalAddressError = 700, kOutOfResources = 701,
  kContextDestroyed = 709, kLaunchFailedError = 719, kNotSupported = 801,
};

using Address = uint64_t;

// ---- devices and contexts
int device_count();
bool exists(int device);
bool has_started(); // by cuInit

struct Stream;

struct Context {
  int device = 0;
  bool primary = false, alive = false;
  unsigned flags = 0;
  int retained = 0;
  Result sticky = kSuccess; // what a kernel did; every later call gives it
  std::shared_ptr<Stream> null_stream;
};

// ---- work (work.cc)
struct Mark { // a place in a stream: an event's, or one that another stream waits for
  bool done = false;
  std::weak_ptr<Stream> stream;
};

struct Work {
  std::function<Result()> run;  // runs without the lock
  std::shared_ptr<Mark> marks;  // is done when this is
  std::shared_ptr<Mark> awaits; // must be done before this is
};

struct Stream {
  Context *context;
  bool blocking = true; // against the NULL stream
  unsigned flags = 0;
  int priority = 0;
  std::deque<Work> queue;
  uint64_t pushed = 0, ran = 0; // pieces of work
  bool busy = false;            // some thread runs work of it
};

using Lock = std::unique_lock<std::mutex>;
extern std::mutex state;

std::shared_ptr<Stream> make_stream(Context *);
std::shared_ptr<Stream> stream_of(void *handle, Context *); // null for a handle that is none
std::shared_ptr<Stream> any_stream(void *handle);           // of any context
void forget_stream(void *handle);
void release_streams(const Context *);

std::shared_ptr<Mark> new_mark(const std::shared_ptr<Stream> &);
void push(const std::shared_ptr<Stream> &, Work);
bool idle(const Stream &);
void step(Lock &, const std::shared_ptr<Stream> &);     // one piece of work of a stream that is not idle
void reach(Lock &, const std::shared_ptr<Mark> &);      // runs what is before a mark
void leave_to_others(Lock &, const Mark &, int milliseconds); // waits whether somebody else does
Result finish(Lock &, const std::shared_ptr<Stream> &); // runs all the work that it has now
Result finish_all(Lock &, Context *);

// ---- calls
// A Call is one call of the API: it holds the lock and says whether the call may go on.
class Call {
public:
  enum Needs { Nothing, AContext };
  Call(const char *name, Needs = AContext);
  Lock lock;
  Result refused = kSuccess;
  Context *context = nullptr;
  Result fail(Result, const std::string &why = "") const;

private:
  const char *name;
};
// say prints a line for people if the option VERBOSE is set.
void say(const std::string &);

Context *current();
bool is_lost(const Context *); // its device is
void release_modules(const Context *);

// ---- memory
struct Mapping; // keeps memory mapped as long as a running kernel may touch it
struct Allocation {
  size_t bytes;
  std::shared_ptr<Mapping> mapping;
  const Context *owner;
};
using Allocations = std::map<Address, Allocation>;
const Allocations::value_type *find_device(Address, size_t bytes); // the allocation that holds all of it
bool is_device(Address);
bool is_pinned(Address, size_t bytes);
std::shared_ptr<const Allocations> device_memory(); // as it is now
Result allocate_device(const Context *, size_t bytes, Address *);
void free_device(Address);
void free_all(const Context *);
bool reserve_bytes(int device, int64_t bytes); // of memory that nobody can see: decoders

// ---- counters and options
void count(const std::string &name, uint64_t n = 1);
void forget_counters();
uint64_t counter(const std::string &name);
std::string option(const std::string &name);
int64_t option_number(const std::string &name, int64_t otherwise);

// due counts an occurrence of a fault "n", "n+" (from the n-th on) or "name:n:code", and says whether it
// happens now; code is the CUresult then.
bool due(const std::string &option, const std::string &name, Result *code);
