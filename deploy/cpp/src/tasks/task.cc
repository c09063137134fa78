#include "tasks/task.h"

#include <map>

namespace kit {

std::shared_ptr<const Task> make_task(const std::string& name, const YAML::Node& postprocess, const std::string& file) {
  static const std::map<std::string, std::shared_ptr<const Task> (*)(NodeArguments&)> tasks{
      {"Detection", make_detection},
      {"Embedding", make_embedding},
      {"FaceDetection", make_face_detection},
      {"ImageClassification", make_image_classification},
      {"InstanceSegmentation", make_instance_segmentation},
      {"KeypointDetection", make_keypoint_detection},
      {"SemanticSegmentation", make_semantic_segmentation},
      {"TextRecognition", make_text_recognition}};
  const auto found = tasks.find(name);
  if (found == tasks.end()) return nullptr;
  NodeArguments given(name, postprocess, file + ": postprocess");
  auto task = found->second(given);
  given.finish();
  return task;
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
