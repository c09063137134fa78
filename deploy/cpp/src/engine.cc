#include "engine.h"

#include "libraries.h"

namespace kit {

std::unique_ptr<Engine> load_engine(const std::string& name, const EngineOptions& options) {
  if (name != "paddle" && name != "openvino")
    throw ConfigError("--engine " + name + ": there is no such engine; there are paddle and openvino");
  prepare_machine(options.threads * options.workers);
  void* entry = load_entry(name, KIT_ENGINE_ENTRY, name == "openvino" ? ": pip install openvino, then make cpp again" : "");
  return std::unique_ptr<Engine>(reinterpret_cast<decltype(&kit_make_engine)>(entry)(options));
}

}  // namespace kit
