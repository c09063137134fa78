// Work side by side whose results are used in order.
#pragma once

#include <condition_variable>
#include <exception>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

namespace kit {

// Workers take jobs as they come free; `use` sees what they made, in the order of the jobs and on the calling thread. No
// worker is more than two rounds ahead. What `next` or `work` throws is thrown when its turn comes.
//   next() -> std::optional<Job>, called by one worker at a time; work(worker, Job) -> Done; use(Done&)
template <typename Next, typename Work, typename Use>
void in_order(std::size_t workers, Next next, Work work, Use use) {
  using Job = typename decltype(next())::value_type;
  using Done = decltype(work(std::size_t{}, std::declval<Job>()));
  struct Result {
    std::optional<Done> done;  // nothing: there is no other job
    std::exception_ptr failure;
  };
  std::map<std::size_t, Result> results;
  std::size_t taken = 0, shown = 0;
  bool stop = false;
  std::mutex lock, source;
  std::condition_variable changed;
  const auto job_of = [&](std::size_t& mine, Result& result) -> std::optional<Job> {
    const std::lock_guard<std::mutex> alone(source);  // not `lock`: while one waits for input, results are used
    std::unique_lock<std::mutex> held(lock);
    changed.wait(held, [&] { return stop || taken < shown + 2 * workers; });
    if (stop) return {};
    mine = taken++;
    held.unlock();
    try {
      return next();
    } catch (...) {
      result.failure = std::current_exception();
      return {};
    }
  };
  const auto run = [&](std::size_t worker) {
    for (bool more = true; more;) {
      Result result;
      std::size_t mine = 0;
      std::optional<Job> job = job_of(mine, result);
      more = job.has_value();
      try {
        if (job) result.done.emplace(work(worker, std::move(*job)));
      } catch (...) {
        result.failure = std::current_exception();
      }
      const std::lock_guard<std::mutex> held(lock);
      if (stop) return;
      results.emplace(mine, std::move(result));
      changed.notify_all();
    }
  };
  std::vector<std::thread> threads;
  for (std::size_t worker = 0; worker < workers; ++worker) threads.emplace_back(run, worker);
  std::exception_ptr failure;
  try {
    for (bool more = true; more;) {
      std::unique_lock<std::mutex> held(lock);
      changed.wait(held, [&] { return results.count(shown) > 0; });
      Result result = std::move(results.extract(shown).mapped());
      held.unlock();
      if (result.failure) std::rethrow_exception(result.failure);
      more = result.done.has_value();
      if (more) use(*result.done);
      held.lock();
      ++shown;
      changed.notify_all();
    }
  } catch (...) {
    failure = std::current_exception();
  }
  {
    const std::lock_guard<std::mutex> held(lock);
    stop = true;
  }
  changed.notify_all();
  for (std::thread& thread : threads) thread.join();
  if (failure) std::rethrow_exception(failure);
}

}  // namespace kit
