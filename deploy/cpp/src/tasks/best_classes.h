// The best classes of a sample by their scores, for images and texts; the rules of common/inference/labels.py.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "node_arguments.h"

namespace kit {

struct BestClasses {
  std::size_t n_best = 5;
  bool keep_best = false;          // however little it scores
  std::optional<double> decision;  // the score from which the second of two classes is the answer, which stays

  // Reads n_best and decision; raises ConfigError.
  static BestClasses from(NodeArguments& given);
  // Of `scores` [N, C], for each sample its records, the answer first.
  std::vector<Records> records(const Tensor& scores, const std::vector<std::string>& labels, double threshold) const;

 private:
  Records best(const double* scores, std::size_t classes, const std::vector<std::string>& labels, double threshold) const;
};

}  // namespace kit
