// Numbers of characters [N, U] filled with 0, and a score each: the text of each image. The decoder is part of the program.
#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>

#include "drawing.h"
#include "json.h"
#include "tasks/task.h"

namespace kit {
namespace {

constexpr int legible = 96;  // pixels of the height from which texts can be read
constexpr int letters = 20;  // pixels of the text under an image
const std::string space = "<space>";  // stands for the space among the labels

class TextRecognition : public Task {
 public:
  using Task::Task;

  std::vector<Records> records(const Tensors& outputs, const std::vector<std::string>& labels, double threshold,
                               const std::vector<Placement>&) const override {
    const Tensor &ids = output_named("ids", outputs), &scores = output_named("score", outputs);
    if (ids.shape.size() != 2 || ids.dtype != DType::int64 || scores.size() != ids.shape[0])
      throw EnvironmentProblem("the model gives ids of " + spelled(ids) + " and a score of " + spelled(scores) +
                               "; its task reads int64[N, U] and [N]");
    const std::vector<double> numbers = scores.numbers();
    std::vector<Records> found;
    for (std::int64_t n = 0; n < ids.shape[0]; ++n) {
      const std::string text = text_of(ids.data<std::int64_t>() + n * ids.shape[1], ids.shape[1], labels);
      const double score = numbers[static_cast<std::size_t>(n)];
      found.emplace_back();
      if (score < threshold) continue;
      Record word;
      word.label = text;
      word.score = rounded(score, 4);
      word.text = text;
      found.back().push_back(std::move(word));
    }
    return found;
  }

  Image draw(const Image& image, const Records& records) const override {
    const int scale = std::max(1, (legible + image.height - 1) / image.height);
    const int height = image.height * scale, width = image.width * scale;
    const int size = std::max(letters, static_cast<int>(std::nearbyint(height / 8.0)));
    Image drawn{height + static_cast<int>(std::nearbyint(1.6 * size)), width, {}};
    drawn.pixels.resize(static_cast<std::size_t>(drawn.height) * width * 3);
    Image source = image;
    cv::Mat upper = as_matrix(drawn).rowRange(0, height);
    cv::resize(as_matrix(source), upper, upper.size(), 0, 0, cv::INTER_NEAREST);
    draw_name(drawn, records.empty() ? "0 found" : named(records[0]), {0, drawn.height}, color_of(0), size);
    return drawn;
  }

 private:
  static std::string text_of(const std::int64_t* ids, std::int64_t count, const std::vector<std::string>& labels) {
    std::string text;
    for (std::int64_t i = 0; i < count; ++i) {
      if (ids[i] <= 0) continue;
      if (ids[i] >= static_cast<std::int64_t>(labels.size()))
        throw EnvironmentProblem("the model gives the character " + std::to_string(ids[i]) + ", infer.yml names " +
                                 std::to_string(labels.size()));
      const std::string& label = labels[static_cast<std::size_t>(ids[i])];
      text += label == space ? " " : label;
    }
    return text;
  }
};

}  // namespace

std::shared_ptr<const Task> make_text_recognition(NodeArguments& given) {
  return std::make_shared<TextRecognition>(given.get("threshold", 0.0));
}

}  // namespace kit
