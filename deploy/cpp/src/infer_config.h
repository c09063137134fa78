// infer.yml of an exported folder: what the program takes and gives, and the pre-processing.
#pragma once

#include <yaml-cpp/yaml.h>

#include <string>
#include <vector>

#include "kit/kit.h"

namespace kit {

struct InferConfig {
  About about;
  std::vector<std::string> delete_passes;
  YAML::Node preprocess;   // a sequence of {type: ..., arguments}
  YAML::Node postprocess;  // the arguments of the task
  YAML::Node tables;       // look-ups of rows by ids, see lookups.h; none where the program takes what the caller gives
};

// Refuses a path that is no exported folder, and says what it is; raises ConfigError or EnvironmentProblem.
void refuse_other(const std::string& folder);

// Raises EnvironmentProblem for an infer.yml that is damaged or of another version.
InferConfig read_infer_config(const std::string& folder);

}  // namespace kit
