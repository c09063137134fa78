// What the outputs of a task mean. A task is a file here and a line in `task_named`; a model of another task runs on
// tensors.
#pragma once

#include <string>
#include <vector>

#include "kit/kit.h"

namespace kit {

class Task {
 public:
  virtual ~Task() = default;
  virtual double threshold() const = 0;  // where none is given
  // The records of each sample of a batch, the best first.
  virtual std::vector<Records> records(const Tensors& outputs, const std::vector<std::string>& labels,
                                       double threshold) const = 0;
  // The picture with the records drawn into it.
  virtual Image draw(const Image& image, const Records& records) const = 0;
};

const Task* task_named(const std::string& name);  // nullptr: no such task, the model runs on tensors
const Task& detection();
const Task& classification();

const Tensor& output_named(const std::string& name, const Tensors& outputs);  // raises EnvironmentProblem
std::string label_of(int number, const std::vector<std::string>& labels);

}  // namespace kit
