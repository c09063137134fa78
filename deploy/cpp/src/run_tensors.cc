#include <algorithm>
#include <cmath>
#include <filesystem>
#include <iostream>
#include <limits>

#include "files.h"
#include "json.h"
#include "latency.h"
#include "npy.h"
#include "runner.h"

namespace kit {
namespace {

constexpr std::size_t rows_at_most = 2000;
constexpr double undecided = -1;  // in a golden label map

bool ends_with(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

// The arrays of a file by the names of the model's inputs; `in/` before a name, as in golden.npz, is taken off.
Tensors read_inputs(const std::string& path, const About& about) {
  if (ends_with(path, ".npy")) {
    if (about.inputs.size() != 1)
      throw ConfigError("--input " + path + ": one array, but the model takes " + std::to_string(about.inputs.size()) +
                        "; give a .npz that names them");
    return {{about.inputs[0].name, read_npy(path)}};
  }
  if (!ends_with(path, ".npz")) throw ConfigError("--input " + path + ": arrays come as .npy or .npz");
  Tensors inputs;
  for (auto& [name, tensor] : read_npz(path))
    inputs[name.rfind("in/", 0) == 0 ? name.substr(3) : name] = std::move(tensor);
  return inputs;
}

void write_outputs(const std::string& path, const Tensors& outputs) {
  if (ends_with(path, ".npz")) return write_npz(path, outputs);
  if (!ends_with(path, ".npy")) throw ConfigError("--output " + path + ": arrays are written as .npy or .npz");
  if (outputs.size() != 1)
    throw ConfigError("--output " + path + ": one array, but the model gives " + std::to_string(outputs.size()) + "; name a .npz");
  write_npy(path, outputs.begin()->second);
}

// The rows of [R, K], each moved to where it is nearest: of two equal scores either may come first.
std::vector<double> in_order_of(const std::vector<double>& got, const std::vector<double>& expected, std::size_t columns) {
  std::vector<std::size_t> left(got.size() / columns);
  for (std::size_t i = 0; i < left.size(); ++i) left[i] = i;
  std::vector<double> ordered;
  for (std::size_t row = 0; row < expected.size() / columns; ++row) {
    auto apart = [&](std::size_t i) {
      double most = 0;
      for (std::size_t k = 0; k < columns; ++k) most = std::max(most, std::abs(got[i * columns + k] - expected[row * columns + k]));
      return most;
    };
    auto nearest = left.begin();
    double least = std::numeric_limits<double>::infinity();
    for (auto it = left.begin(); it != left.end(); ++it)
      if (const double value = apart(*it); value < least) least = value, nearest = it;
    ordered.insert(ordered.end(), got.begin() + *nearest * columns, got.begin() + (*nearest + 1) * columns);
    left.erase(nearest);
  }
  return ordered;
}

void measure(const Model& model, const Tensors& inputs, const Arguments& given) {
  for (int i = 0; i < given.warmup; ++i) model.run(inputs);
  Latency latency;
  const double cpu = cpu_milliseconds();
  for (int i = 0; i < given.repeat; ++i) {
    const auto began = Clock::now();
    model.run(inputs);
    latency.add("run", milliseconds_since(began));
  }
  if (given.json)
    std::cout << python_json({{"latency_ms", latency.summary()},
                              {"cpu_ms", rounded((cpu_milliseconds() - cpu) / given.repeat, 3)},
                              {"engine", model.engine()}})
              << '\n';
  else
    std::cout << latency.table();
}

}  // namespace

double difference(const Tensor& got, const Tensor& expected, bool is_label_map) {
  if (got.shape != expected.shape) return std::numeric_limits<double>::infinity();
  std::vector<double> ours = got.numbers();
  const std::vector<double> theirs = expected.numbers();
  for (std::size_t i = 0; is_label_map && i < ours.size(); ++i)
    if (theirs[i] == undecided) ours[i] = undecided;
  if (got.shape.size() == 2 && got.shape[1] > 2 && static_cast<std::size_t>(got.shape[0]) <= rows_at_most)
    ours = in_order_of(ours, theirs, static_cast<std::size_t>(got.shape[1]));
  double scale = 1, most = 0;
  for (double value : theirs) scale = std::max(scale, std::abs(value));
  for (std::size_t i = 0; i < ours.size(); ++i) {
    const double apart = std::abs(ours[i] - theirs[i]);
    if (!std::isfinite(apart)) return std::numeric_limits<double>::infinity();
    most = std::max(most, apart);
  }
  return most / scale;
}

int run_tensors(Model& model, const Arguments& given) {
  const Tensors inputs = read_inputs(given.input, model.about());
  const Tensors outputs = model.run(inputs);
  if (!given.output.empty()) write_outputs(given.output, outputs);
  if (!given.json && (given.repeat == 0 || given.output.empty()))
    for (const std::string& name : model.about().outputs) std::cout << name << ": " << spelled(outputs.at(name)) << '\n';
  if (given.repeat > 0) measure(model, inputs, given);
  return 0;
}

int run_golden(Model& model, const Arguments& given) {
  const double tolerance = model.about().tolerance;
  const std::string path = (std::filesystem::path(model.about().folder) / "golden.npz").string();
  Tensors inputs, expected;
  for (auto& [name, tensor] : read_npz(path)) {
    if (name.rfind("in/", 0) == 0) inputs[name.substr(3)] = std::move(tensor);
    if (name.rfind("out/", 0) == 0) expected[name.substr(4)] = std::move(tensor);
  }
  const Tensors outputs = model.run(inputs);
  bool same = true;
  Json found = Json::object();
  for (const std::string& name : model.about().outputs) {
    if (expected.count(name) == 0) throw DataError(path + ": no 'out/" + name + "', which infer.yml names");
    const double apart = difference(outputs.at(name), expected[name], name == "label_map");
    same = same && apart <= tolerance;
    found[name] = std::isfinite(apart) ? Json(apart) : Json("inf");
    if (!given.json) std::cout << name << ": " << spelled(outputs.at(name)) << " differs by " << apart << " of the largest value\n";
  }
  if (given.json) std::cout << python_json({{"golden", same}, {"differences", found}}) << '\n';
  if (given.repeat > 0) measure(model, inputs, given);
  if (!same) std::cerr << "error: " << path << ": the outputs are not those of the export (allowed: " << tolerance << ")\n";
  return same ? 0 : 1;
}

}  // namespace kit
