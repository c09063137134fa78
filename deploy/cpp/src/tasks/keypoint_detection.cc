// Keypoints [N, K, 3] of one person each, rows (x, y, score) in pixels of the image.
#include <algorithm>
#include <cmath>
#include <map>
#include <opencv2/imgproc.hpp>
#include <utility>

#include "drawing.h"
#include "json.h"
#include "tasks/task.h"

namespace kit {
namespace {

class KeypointDetection : public Task {
 public:
  using Skeleton = std::vector<std::pair<std::string, std::string>>;
  KeypointDetection(double threshold, double least, Skeleton skeleton, std::string label)
      : Task(threshold), least_(least), skeleton_(std::move(skeleton)), label_(std::move(label)) {}

  std::vector<Records> records(const Tensors& outputs, const std::vector<std::string>& labels, double threshold,
                               const std::vector<Placement>& places) const override {
    const Tensor& points = output_named("keypoints", outputs);
    if (points.shape.size() != 3 || points.shape[2] != 3 || points.shape[0] < static_cast<std::int64_t>(places.size()))
      throw EnvironmentProblem("the model gives keypoints of " + spelled(points) + "; its task reads [N, K, 3]");
    const std::vector<double> numbers = points.numbers();
    const std::size_t count = static_cast<std::size_t>(points.shape[1]);
    std::vector<Records> found;
    for (std::size_t n = 0; n < places.size(); ++n) {
      Records here{person(&numbers[n * count * 3], count, labels, places[n])};
      if (!(here[0].score >= threshold)) here.clear();
      found.push_back(std::move(here));
    }
    return found;
  }

  Image draw(const Image& image, const Records& records) const override {
    Image drawn = image;
    cv::Mat canvas = as_matrix(drawn);
    const int side = std::max(image.height, image.width);
    const int thick = std::max(1, static_cast<int>(std::nearbyint(side / 200.0)));
    const int radius = std::max(2, static_cast<int>(std::nearbyint(side / 120.0)));
    auto pixel = [](double value) { return static_cast<int>(std::nearbyint(std::clamp(value, -1e4, 1e5))); };
    for (std::size_t number = records.size(); number-- > 0;) {  // the first on top
      const cv::Scalar color = color_of(static_cast<int>(number));
      std::map<std::string, cv::Point> at;
      for (const Keypoint& point : records[number].keypoints)
        if (point.score >= least_) at[point.name] = {pixel(point.x), pixel(point.y)};
      for (const auto& [one, other] : skeleton_)
        if (at.count(one) > 0 && at.count(other) > 0) cv::line(canvas, at[one], at[other], color, thick, cv::LINE_AA);
      for (const auto& entry : at) cv::circle(canvas, entry.second, radius, color, cv::FILLED, cv::LINE_AA);
    }
    return drawn;
  }

  const std::string* box_label() const override { return &label_; }

 private:
  Record person(const double* points, std::size_t count, const std::vector<std::string>& labels, const Placement& place) const {
    Record record{label_, 0, 0, {}, {}, {}};
    double sum = 0;
    int good = 0;
    for (std::size_t k = 0; k < count; ++k) {
      const double* point = points + 3 * k;
      record.keypoints.push_back({label_of(static_cast<int>(k), labels), rounded(point[0], 2), rounded(point[1], 2), rounded(point[2], 4)});
      if (point[2] >= least_) sum += point[2], ++good;
    }
    for (const float edge : place.crop) record.box.push_back(rounded(edge, 2));
    record.score = good > 0 ? rounded(sum / good * place.box_score, 4) : 0;
    return record;
  }

  double least_;  // score of a keypoint that counts and is drawn
  Skeleton skeleton_;
  std::string label_;
};

}  // namespace

std::shared_ptr<const Task> make_keypoint_detection(NodeArguments& given) {
  const double least = given.get("point_threshold", 0.2);
  if (!(least >= 0 && least <= 1)) throw given.wrong("has a point_threshold that is not from 0 to 1");
  const auto pairs = given.get<std::vector<std::vector<std::string>>>("skeleton", {});
  KeypointDetection::Skeleton skeleton;
  for (const auto& pair : pairs) {
    if (pair.size() != 2) throw given.wrong("has a skeleton that is no list of pairs of keypoints");
    skeleton.emplace_back(pair[0], pair[1]);
  }
  return std::make_shared<KeypointDetection>(given.get("threshold", 0.0), least, std::move(skeleton),
                                             given.get<std::string>("label", "person"));
}

}  // namespace kit
