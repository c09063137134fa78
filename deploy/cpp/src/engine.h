// What runs a program: one small interface, and a shared library for each engine that is loaded when it is asked for.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "kit/kit.h"

namespace kit {

struct EngineOptions {
  std::string folder;                       // of the export
  std::vector<std::string> outputs;         // names, in the order the program gives them
  std::vector<std::string> delete_passes;   // of the framework, for this program
  int threads = 1, workers = 1;
};

// Not to be used by two threads at once.
class Engine {
 public:
  virtual ~Engine() = default;
  virtual Tensors run(const Tensors& inputs) = 0;
  virtual std::unique_ptr<Engine> clone() = 0;  // shares the weights
};

// Loads libkit_<name>.so, which lies beside libkit.so. Raises EnvironmentProblem where it was not built.
std::unique_ptr<Engine> load_engine(const std::string& name, const EngineOptions& options);

// Settings that must be made before an engine's libraries are loaded: as Python's common/system/runtime.py. Once.
void prepare_machine(int threads);
int usable_cores();

}  // namespace kit

// What each engine's library exports.
#define KIT_ENGINE_ENTRY "kit_make_engine"
extern "C" kit::Engine* kit_make_engine(const kit::EngineOptions& options);
