// What the outputs of a task mean. A task is a file here and a row of the table in task.cc; a model of another task runs on
// tensors.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "kit/kit.h"
#include "node_arguments.h"

namespace kit {

// An image's size, and where it lies in the input: its part without padding, and input pixels per pixel of the image.
struct Placement {
  int height = 0, width = 0;
  float inner_height = 0, inner_width = 0, scale_y = 1, scale_x = 1;
  std::array<float, 4> crop{};  // the part of the image (x1, y1, x2, y2) that a crop of a person shows
  double box_score = 1;
};

class Task {
 public:
  explicit Task(double threshold) : threshold_(threshold) {}
  virtual ~Task() = default;
  double threshold() const { return threshold_; }  // where none is given
  // The records of each sample of a batch, the best first; `places` are those of the images.
  virtual std::vector<Records> records(const Tensors& outputs, const std::vector<std::string>& labels, double threshold,
                                       const std::vector<Placement>& places) const = 0;
  // The image with the records drawn into it.
  virtual Image draw(const Image& image, const Records& records) const = 0;
  // The label of the boxes in which this task predicts; nullptr for one that takes whole images.
  virtual const std::string* box_label() const { return nullptr; }

 private:
  double threshold_;
};

// The task of infer.yml with the arguments of `postprocess`; nullptr: this program has none of that name. Raises ConfigError
// for an argument that it does not know.
std::shared_ptr<const Task> make_task(const std::string& name, const YAML::Node& postprocess, const std::string& file);
std::shared_ptr<const Task> make_detection(NodeArguments& given);
std::shared_ptr<const Task> make_embedding(NodeArguments& given);
std::shared_ptr<const Task> make_face_detection(NodeArguments& given);
std::shared_ptr<const Task> make_image_classification(NodeArguments& given);
std::shared_ptr<const Task> make_instance_segmentation(NodeArguments& given);
std::shared_ptr<const Task> make_keypoint_detection(NodeArguments& given);
std::shared_ptr<const Task> make_semantic_segmentation(NodeArguments& given);
std::shared_ptr<const Task> make_text_recognition(NodeArguments& given);

const Tensor& output_named(const std::string& name, const Tensors& outputs);  // raises EnvironmentProblem
std::string label_of(int number, const std::vector<std::string>& labels);

}  // namespace kit
