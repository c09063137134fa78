#include "latency.h"

#include <algorithm>
#include <cmath>
#include <ctime>
#include <exception>
#include <iostream>
#include <numeric>
#include <thread>

namespace kit {

double milliseconds_since(Clock::time_point began) {
  return std::chrono::duration<double, std::milli>(Clock::now() - began).count();
}

double cpu_milliseconds() { return 1000.0 * static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

double percentile(std::vector<double> values, double part) {
  if (values.empty()) return 0;
  const double rank = std::ceil(part * static_cast<double>(values.size()));
  const auto place = static_cast<std::ptrdiff_t>(std::max(rank - 1, 0.0));
  std::nth_element(values.begin(), values.begin() + place, values.end());
  return values[static_cast<std::size_t>(place)];
}

void Latency::add(const std::string& stage, double milliseconds) {
  if (taken_.count(stage) == 0) order_.push_back(stage);
  taken_[stage].push_back(milliseconds);
}

void Latency::merge(const Latency& other) {
  for (const std::string& stage : other.order_)
    for (double value : other.taken_.at(stage)) add(stage, value);
}

Json Latency::summary() const {
  Json all = Json::object();
  for (const std::string& stage : order_) {
    const std::vector<double>& values = taken_.at(stage);
    const double mean = std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
    all[stage] = {{"p50", rounded(percentile(values, 0.5), 3)},
                  {"p95", rounded(percentile(values, 0.95), 3)},
                  {"p99", rounded(percentile(values, 0.99), 3)},
                  {"mean", rounded(mean, 3)},
                  {"min", rounded(*std::min_element(values.begin(), values.end()), 3)}};
  }
  return all;
}

std::string Latency::table() const {
  std::string text = "ms             p50       p95       p99      mean\n";
  const Json all = summary();
  for (const auto& [stage, row] : all.items()) {
    char line[120];
    std::snprintf(line, sizeof line, "%-12s%8.3f  %8.3f  %8.3f  %8.3f\n", stage.c_str(), row["p50"].get<double>(),
                  row["p95"].get<double>(), row["p99"].get<double>(), row["mean"].get<double>());
    text += line;
  }
  return text;
}

Measured measure_batches(std::size_t workers, std::size_t batches,
                         const std::function<void(std::size_t, std::size_t, Latency&)>& run) {
  std::vector<Latency> taken(workers);
  std::vector<std::exception_ptr> failures(workers);
  const auto began = Clock::now();
  const double cpu = cpu_milliseconds();
  std::vector<std::thread> threads;
  for (std::size_t k = 0; k < workers; ++k)
    threads.emplace_back([&, k] {
      try {
        for (std::size_t i = k; i < batches; i += workers) run(k, i, taken[k]);
      } catch (...) {
        failures[k] = std::current_exception();
      }
    });
  for (std::thread& thread : threads) thread.join();
  for (const std::exception_ptr& failure : failures)
    if (failure) std::rethrow_exception(failure);
  Measured measured{taken[0], milliseconds_since(began), cpu_milliseconds() - cpu};
  for (std::size_t k = 1; k < workers; ++k) measured.latency.merge(taken[k]);
  return measured;
}

void Measured::report(double count, const std::string& noun, const std::string& engine, std::size_t batch, std::size_t workers,
                      bool as_json) const {
  const double rate = rounded(1000 * count / milliseconds, 2);
  if (as_json)
    std::cout << python_json({{"latency_ms", latency.summary()},
                              {"cpu_ms", rounded(cpu_milliseconds / count, 3)},
                              {"engine", engine},
                              {"batch", batch},
                              {"workers", workers},
                              {noun + "_per_second", rate}})
              << '\n';
  else
    std::cout << latency.table() << "engine " << engine << ", batch " << batch << ", " << workers << " worker(s): " << rate << ' '
              << noun << "/s\n";
}

}  // namespace kit
