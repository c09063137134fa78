// Look-ups of an exported model: from the ids that a caller gives to the rows that its program takes, as
// common/table/lookups.py.
#pragma once

#include <yaml-cpp/yaml.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "keyed_rows.h"
#include "kit/kit.h"

namespace kit {

class LookUps {
 public:
  LookUps() = default;
  // `entries` is `tables` of the infer.yml `file`. Raises EnvironmentProblem.
  LookUps(const YAML::Node& entries, const std::string& file, const std::vector<Input>& inputs);

  bool empty() const { return entries_.empty(); }
  // The caller's inputs and the rows that belong to their ids.
  Tensors with_rows(Tensors inputs) const;

 private:
  struct Entry {
    std::string rows, input, file;
    std::uint64_t num_ids, unknown;
    bool modulo;
  };
  std::vector<Entry> entries_;
  std::map<std::string, std::unique_ptr<KeyedRows>> files_;
};

}  // namespace kit
