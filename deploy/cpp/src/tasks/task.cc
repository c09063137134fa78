#include "tasks/task.h"

namespace kit {

const Task* task_named(const std::string& name) {
  if (name == "detection") return &detection();
  if (name == "classification") return &classification();
  return nullptr;
}

const Tensor& output_named(const std::string& name, const Tensors& outputs) {
  const auto found = outputs.find(name);
  if (found == outputs.end()) throw EnvironmentProblem("the model gives no output '" + name + "', which its task reads");
  return found->second;
}

std::string label_of(int number, const std::vector<std::string>& labels) {
  return number < static_cast<int>(labels.size()) ? labels[number] : std::to_string(number);
}

}  // namespace kit
