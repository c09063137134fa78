#include "fastest.h"

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>

#include "json.h"
#include "manifest.h"

namespace kit {
namespace fs = std::filesystem;
namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// The folder of downloads, as common/weights/download.py
fs::path cache_folder() {
  if (const std::string home = variable("KIT_HOME"); !home.empty()) return home;
  const std::string base = variable("XDG_CACHE_HOME");
  return (base.empty() ? fs::path(variable("HOME")) / ".cache" : fs::path(base)) / "paddle-kits";
}

std::string processor_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (line.rfind("model name", 0) != 0) continue;
    const std::size_t begin = line.find_first_not_of(" \t", line.find(':') + 1), end = line.find_last_not_of(" \t\r");
    return begin == std::string::npos ? "" : line.substr(begin, end + 1 - begin);
  }
  return "";
}

// The faster engine of an entry, or nothing.
std::string faster(const Json& times) {
  std::string best;
  double least = std::numeric_limits<double>::infinity();
  for (const char* name : {"paddle", "openvino"}) {
    if (!times.contains(name) || !times[name].is_number()) continue;
    const double time = times[name].get<double>();
    if (time >= 0 && time < least) least = time, best = name;
  }
  return best;
}

class OrFramework : public Engine {
 public:
  OrFramework(std::unique_ptr<Engine> engine, EngineOptions options) : engine_(std::move(engine)), options_(std::move(options)) {}

  Tensors run(const Tensors& inputs) override {
    try {
      return engine_->run(inputs);
    } catch (const ConfigError&) {  // of the sizes, before anything has run
      if (other_ == nullptr) other_ = load_engine("paddle", options_);
      return other_->run(inputs);
    }
  }

  std::unique_ptr<Engine> clone() override { return std::make_unique<OrFramework>(engine_->clone(), options_); }

 private:
  std::unique_ptr<Engine> engine_, other_;
  EngineOptions options_;
};

}  // namespace

std::string fastest_engine(const std::string& folder, int threads) {
  if (const std::string asked = variable("KIT_ENGINE"); asked == "paddle" || asked == "openvino") return asked;
  if (!fs::is_regular_file(fs::path(folder) / "model.onnx")) return "paddle";
  std::ifstream file(cache_folder() / "engines" / (manifest_checksum(folder) + ".json"));
  const Json content = Json::parse(file, nullptr, false);
  if (!content.is_object() || !content.contains("measured") || content.value("schema", Json()) != 1) return "paddle";
  const std::string machine = processor_name();
  for (const Json& entry : content["measured"]) {
    if (!entry.is_object() || !entry.contains("ms") || entry.value("batch", Json()) != 1) continue;
    if (entry.value("machine", Json()) != machine || entry.value("threads", Json()) != threads) continue;
    if (const std::string best = faster(entry["ms"]); !best.empty()) return best;
  }
  return "paddle";
}

std::unique_ptr<Engine> load_engine_of_any_size(const std::string& name, const EngineOptions& options) {
  if (name == "paddle") return load_engine(name, options);
  try {
    return std::make_unique<OrFramework>(load_engine(name, options), options);
  } catch (const EnvironmentProblem&) {  // it is not built here; Python has it
    return load_engine("paddle", options);
  }
}

}  // namespace kit
