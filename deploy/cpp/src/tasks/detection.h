// Boxes with class and score; the base of tasks that give more for each box.
#pragma once

#include <array>

#include "tasks/task.h"

namespace kit {

class Detection : public Task {
 public:
  struct Found {
    Record record;
    std::size_t row = 0;         // of the outputs
    std::array<double, 4> box{};  // not rounded
  };

  using Task::Task;
  std::vector<Records> records(const Tensors& outputs, const std::vector<std::string>& labels, double threshold,
                               const std::vector<Size>& sizes) const override;
  Image draw(const Image& image, const Records& records) const override;

 protected:
  // The boxes of each image that score enough, the best first.
  std::vector<std::vector<Found>> find(const Tensors& outputs, const std::vector<std::string>& labels, double threshold) const;
};

}  // namespace kit
