// How long each stage took: percentiles over many calls.
#pragma once

#include <chrono>
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

double percentile(std::vector<double> values, double part);  // the nearest rank; `part` from 0 to 1

}  // namespace kit
