#include "grid.h"

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>

namespace ptx {
namespace {

// A grid in the making. Whoever works on it takes block after block.
struct Job {
  const Launch &launch;
  std::atomic<uint64_t> next{0}, executed{0};
  std::mutex lock;
  std::condition_variable idle;
  int working = 0;
  std::optional<Fault> fault;

  explicit Job(const Launch &l) : launch(l) {}

  void work() {
    uint64_t count = launch.grid.count();
    Block block(launch);
    try {
      for (uint64_t i; (i = next++) < count;) block.run(i);
    } catch (const Fault &f) {
      next = count;
      std::lock_guard<std::mutex> guard(lock);
      if (!fault) fault = f;
    }
    executed += block.executed();
  }
};

// Helpers are threads that live as long as the process and help whoever runs a grid.
class Helpers {
public:
  static Helpers &all() {
    static Helpers *h = new Helpers; // never destroyed: threads may still run at exit
    return *h;
  }

  void offer(Job &j, unsigned wanted) {
    std::lock_guard<std::mutex> guard(lock);
    while (threads < wanted) std::thread([this] { help(); }).detach(), threads++;
    jobs.push_back(&j);
    wake.notify_all();
  }

  // withdraw returns when no helper works on j any more.
  void withdraw(Job &j) {
    {
      std::lock_guard<std::mutex> guard(lock);
      for (size_t i = 0; i < jobs.size(); i++)
        if (jobs[i] == &j) jobs.erase(jobs.begin() + i--);
    }
    std::unique_lock<std::mutex> guard(j.lock);
    j.idle.wait(guard, [&] { return j.working == 0; });
  }

private:
  std::mutex lock;
  std::condition_variable wake;
  std::deque<Job *> jobs;
  unsigned threads = 0;

  void help() {
    for (;;) {
      Job *j = take();
      j->work();
      std::lock_guard<std::mutex> guard(j->lock);
      j->working--;
      j->idle.notify_all();
    }
  }

  Job *take() {
    std::unique_lock<std::mutex> guard(lock);
    for (;;) {
      wake.wait(guard, [&] { return !jobs.empty(); });
      Job *j = jobs.front();
      bool more = j->next < j->launch.grid.count();
      jobs.pop_front();
      if (!more) continue;
      std::lock_guard<std::mutex> inner(j->lock);
      j->working++;
      return j;
    }
  }
};

} // namespace

uint64_t run_grid(const Launch &l, unsigned threads) {
  Job job(l);
  unsigned helpers = threads > 1 && l.grid.count() > 1 ? (unsigned)std::min<uint64_t>(threads - 1, l.grid.count() - 1) : 0;
  if (helpers) {
    for (unsigned i = 0; i < helpers; i++) Helpers::all().offer(job, threads - 1);
  }
  job.work();
  if (helpers) Helpers::all().withdraw(job);
  if (job.fault) throw *job.fault;
  return job.executed;
}

} // namespace ptx
