// Scores [N, C]: the best classes of each image, at most `n_best`.
#include <algorithm>
#include <cmath>

#include "drawing.h"
#include "tasks/best_classes.h"
#include "tasks/task.h"

namespace kit {
namespace {

class ImageClassification : public Task {
 public:
  ImageClassification(const BestClasses& best, double threshold) : Task(threshold), best_(best) {}

  std::vector<Records> records(const Tensors& outputs, const std::vector<std::string>& labels, double threshold,
                               const std::vector<Placement>&) const override {
    return best_.records(output_named("scores", outputs), labels, threshold);
  }

  Image draw(const Image& image, const Records& records) const override {
    Image drawn = enlarged(image);
    const int size = std::max(11, static_cast<int>(std::nearbyint(std::max(drawn.height, drawn.width) / 25.0)));
    int row = 0;
    for (const Record& record : records) {
      const int down = 2 + static_cast<int>(std::nearbyint((++row) * 1.6 * size));
      draw_name(drawn, named(record), {2, down}, color_of(record.category_id), size);
    }
    return drawn;
  }

 private:
  BestClasses best_;
};

}  // namespace

std::shared_ptr<const Task> make_image_classification(NodeArguments& given) {
  const BestClasses best = BestClasses::from(given);
  return std::make_shared<ImageClassification>(best, given.get("threshold", 0.0));
}

}  // namespace kit
