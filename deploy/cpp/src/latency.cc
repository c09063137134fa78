#include "latency.h"

#include <algorithm>
#include <cmath>
#include <ctime>
#include <numeric>

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

}  // namespace kit
