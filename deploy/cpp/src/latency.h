// How long each stage took: percentiles over many calls.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "json.h"

namespace kit {

using Clock = std::chrono::steady_clock;
double milliseconds_since(Clock::time_point began);
double cpu_milliseconds();  // of this process and all its threads so far

class Latency {
 public:
  void add(const std::string& stage, double milliseconds);
  void merge(const Latency& other);
  // {stage: {p50, p95, p99, mean, min}} in milliseconds, in the order the stages were first met.
  Json summary() const;
  std::string table() const;

 private:
  std::vector<std::string> order_;
  std::map<std::string, std::vector<double>> taken_;
};

// Many batches, run by workers side by side.
struct Measured {
  Latency latency;
  double milliseconds = 0, cpu_milliseconds = 0;
  // Writes the latencies and the rate of `count` samples, such as `images`, to standard output.
  void report(double count, const std::string& noun, const std::string& engine, std::size_t batch, std::size_t workers, bool as_json) const;
};
// Throws what `run` throws.
Measured measure_batches(std::size_t workers, std::size_t batches,
                         const std::function<void(std::size_t worker, std::size_t batch, Latency& latency)>& run);

double percentile(std::vector<double> values, double part);  // the nearest rank; `part` from 0 to 1

}  // namespace kit
