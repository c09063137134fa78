// The engine of an export whose infer.yml says `engine: auto`, by what common/inference/fastest.py measured on this machine.
#pragma once

#include <memory>
#include <string>

#include "engine.h"

namespace kit {

// paddle or openvino: the faster of those that answered as the golden does on this processor with so many threads. paddle
// where nothing was measured, and what KIT_ENGINE names in the place of either.
std::string fastest_engine(const std::string& folder, int threads);

// An engine of this name; inputs of sizes that model.onnx is not written for are left to PaddlePaddle's.
std::unique_ptr<Engine> load_engine_of_any_size(const std::string& name, const EngineOptions& options);

}  // namespace kit
