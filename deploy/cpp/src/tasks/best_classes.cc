#include "tasks/best_classes.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "json.h"
#include "tasks/task.h"

namespace kit {

BestClasses BestClasses::from(NodeArguments& given) {
  const int n_best = given.get("n_best", 5);
  if (n_best < 1) throw given.wrong("has n_best " + std::to_string(n_best) + "; allowed: 1 or more");
  const double score = given.get("decision", -1.0);
  const auto decision = given.given("decision") ? std::optional<double>(score) : std::nullopt;
  if (decision && !(*decision >= 0 && *decision <= 1)) throw given.wrong("has a decision that is not from 0 to 1");
  return {static_cast<std::size_t>(n_best), false, decision};
}

std::vector<Records> BestClasses::records(const Tensor& scores, const std::vector<std::string>& labels, double threshold) const {
  if (scores.shape.size() != 2) throw EnvironmentProblem("the model gives scores of " + spelled(scores) + "; its task reads [N, C]");
  const std::vector<double> numbers = scores.numbers();
  const std::size_t classes = static_cast<std::size_t>(scores.shape[1]);
  if (decision && classes != 2)
    throw ConfigError("postprocess.decision is for two classes; this model has " + std::to_string(classes));
  std::vector<Records> found;
  for (std::int64_t n = 0; n < scores.shape[0]; ++n) found.push_back(best(numbers.data() + static_cast<std::size_t>(n) * classes, classes, labels, threshold));
  return found;
}

Records BestClasses::best(const double* scores, std::size_t classes, const std::vector<std::string>& labels, double threshold) const {
  std::vector<int> order(classes);
  std::iota(order.begin(), order.end(), 0);
  auto greater = [&](int a, int b) {  // of equal scores the lower number comes first; those that are no number last
    const double one = std::isnan(scores[a]) ? -INFINITY : scores[a], other = std::isnan(scores[b]) ? -INFINITY : scores[b];
    return one != other ? one > other : a < b;
  };
  const auto end = order.begin() + static_cast<std::ptrdiff_t>(std::min(n_best, classes));
  std::partial_sort(order.begin(), end, order.end(), greater);
  if (decision) order[0] = scores[1] >= *decision, order[1] = 1 - order[0];
  Records here;
  for (auto number = order.begin(); number != end; ++number)
    if (std::isfinite(scores[*number]) && (scores[*number] >= threshold || ((keep_best || decision) && number == order.begin())))
      here.push_back({label_of(*number, labels), *number, rounded(scores[*number], 4), {}, {}, {}});
  return here;
}

}  // namespace kit
