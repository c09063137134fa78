#include "engine.h"

#include <dlfcn.h>
#include <unistd.h>

#include <filesystem>

namespace kit {
namespace fs = std::filesystem;
namespace {

fs::path library_of(const std::string& name) {
  Dl_info here;
  dladdr(reinterpret_cast<const void*>(&load_engine), &here);
  return fs::absolute(here.dli_fname).parent_path() / ("libkit_" + name + ".so");
}

}  // namespace

std::unique_ptr<Engine> load_engine(const std::string& name, const EngineOptions& options) {
  if (name != "paddle" && name != "openvino")
    throw ConfigError("--engine " + name + ": there is no such engine; there are paddle and openvino");
  const fs::path file = library_of(name);
  if (!fs::is_regular_file(file))
    throw EnvironmentProblem("the engine " + name + " was not built (" + file.string() + " is missing)" +
                             (name == "openvino" ? ": pip install openvino, then make cpp again" : ""));
  prepare_machine(options.threads * options.workers);
  void* library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) throw EnvironmentProblem("the engine " + name + " cannot be loaded: " + dlerror());
  auto make = reinterpret_cast<decltype(&kit_make_engine)>(dlsym(library, KIT_ENGINE_ENTRY));
  if (make == nullptr) throw EnvironmentProblem(file.string() + ": no engine");
  return std::unique_ptr<Engine>(make(options));
}

}  // namespace kit
