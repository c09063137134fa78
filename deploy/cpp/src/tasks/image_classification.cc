// Scores [N, C]: the best classes of each image, at most `n_best`.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

#include "drawing.h"
#include "json.h"
#include "tasks/task.h"

namespace kit {
namespace {

class ImageClassification : public Task {
 public:
  ImageClassification(std::size_t n_best, double threshold, std::optional<double> decision)
      : Task(threshold), n_best_(n_best), decision_(decision) {}

  std::vector<Records> records(const Tensors& outputs, const std::vector<std::string>& labels, double threshold,
                               const std::vector<Placement>&) const override {
    const Tensor& scores = output_named("scores", outputs);
    if (scores.shape.size() != 2)
      throw EnvironmentProblem("the model gives scores of " + spelled(scores) + "; its task reads [N, C]");
    const std::vector<double> numbers = scores.numbers();
    const std::size_t classes = static_cast<std::size_t>(scores.shape[1]);
    if (decision_ && classes != 2)
      throw ConfigError("postprocess.decision is for two classes; this model has " + std::to_string(classes));
    std::vector<Records> found;
    for (std::int64_t n = 0; n < scores.shape[0]; ++n) found.push_back(best(&numbers[n * classes], classes, labels, threshold));
    return found;
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
  Records best(const double* scores, std::size_t classes, const std::vector<std::string>& labels, double threshold) const {
    std::vector<int> order(classes);
    std::iota(order.begin(), order.end(), 0);
    auto greater = [&](int a, int b) {  // of equal scores the lower number comes first; those that are no number last
      const double one = std::isnan(scores[a]) ? -INFINITY : scores[a], other = std::isnan(scores[b]) ? -INFINITY : scores[b];
      return one != other ? one > other : a < b;
    };
    const auto end = order.begin() + static_cast<std::ptrdiff_t>(std::min(n_best_, classes));
    std::partial_sort(order.begin(), end, order.end(), greater);
    if (decision_) order[0] = scores[1] >= *decision_, order[1] = 1 - order[0];
    Records here;
    for (auto number = order.begin(); number != end; ++number)
      if (std::isfinite(scores[*number]) && (scores[*number] >= threshold || (decision_ && number == order.begin())))
        here.push_back({label_of(*number, labels), *number, rounded(scores[*number], 4), {}, {}, {}});
    return here;
  }

  std::size_t n_best_;
  std::optional<double> decision_;  // the score from which the second of two classes is the answer
};

}  // namespace

std::shared_ptr<const Task> make_image_classification(NodeArguments& given) {
  const int n_best = given.get("n_best", 5);
  if (n_best < 1) throw given.wrong("has n_best " + std::to_string(n_best) + "; allowed: 1 or more");
  const double from = given.get("decision", -1.0);
  const auto decision = given.given("decision") ? std::optional<double>(from) : std::nullopt;
  if (decision && !(*decision >= 0 && *decision <= 1)) throw given.wrong("has a decision that is not from 0 to 1");
  return std::make_shared<ImageClassification>(static_cast<std::size_t>(n_best), given.get("threshold", 0.0), decision);
}

}  // namespace kit
