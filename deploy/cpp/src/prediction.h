// What predictions on images and on texts share.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "kit/kit.h"

namespace kit {

// One tensor [N, ...] of the same tensor of each sample; those after `parts` repeat the last, up to `count`. Raises ConfigError
// for tensors of several shapes.
Tensor stacked(std::vector<Tensor*>& parts, std::size_t count, const std::string& name);
// Refuses outputs of which no prediction can be made; -inf is a score that masks leave behind, and passes.
void check_finite(const Tensors& outputs);
// Writes the ids of infer.yml in the place of the numbers of classes.
void name_categories(std::vector<Records>& found, const std::vector<int>& ids);

// Seconds since the last call, or since it was made.
class Lap {
 public:
  double operator()() {
    const auto now = std::chrono::steady_clock::now();
    const std::chrono::duration<double> spent = now - began_;
    began_ = now;
    return spent.count();
  }

 private:
  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
};

}  // namespace kit
