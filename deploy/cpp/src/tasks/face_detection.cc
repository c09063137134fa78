// As Detection, and `landmarks` [R, K, 2], x and y of each box's landmarks in pixels of the image.
#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>
#include <utility>

#include "drawing.h"
#include "json.h"
#include "tasks/detection.h"

namespace kit {
namespace {

class FaceDetection : public Detection {
 public:
  FaceDetection(double threshold, std::vector<std::string> names) : Detection(threshold), names_(std::move(names)) {}

  std::vector<Records> records(const Tensors& outputs, const std::vector<std::string>& labels, double threshold,
                               const std::vector<Placement>&) const override {
    const Tensor& landmarks = output_named("landmarks", outputs);
    if (landmarks.shape.size() != 3 || landmarks.shape[2] != 2)
      throw EnvironmentProblem("the model gives landmarks of " + spelled(landmarks) + "; its task reads [R, K, 2]");
    const std::vector<double> numbers = landmarks.numbers();
    const std::size_t count = static_cast<std::size_t>(landmarks.shape[1]);
    std::vector<Records> all;
    for (std::vector<Found>& here : find(outputs, labels, threshold)) {
      Records records;
      for (Found& item : here) {
        if ((item.row + 1) * count * 2 > numbers.size())
          throw EnvironmentProblem("the model gives landmarks of " + spelled(landmarks) + "; its task reads those of each box");
        for (std::size_t k = 0; k < count; ++k) {
          const double* point = &numbers[(item.row * count + k) * 2];
          item.record.keypoints.push_back(
              {label_of(static_cast<int>(k), names_), rounded(point[0], 2), rounded(point[1], 2), item.record.score});
        }
        records.push_back(std::move(item.record));
      }
      all.push_back(std::move(records));
    }
    return all;
  }

  Image draw(const Image& image, const Records& records) const override {
    Image drawn = Detection::draw(image, records);
    cv::Mat canvas = as_matrix(drawn);
    const int radius = std::max(1, static_cast<int>(std::nearbyint(std::max(image.height, image.width) / 200.0)));
    auto pixel = [](double value) { return static_cast<int>(std::nearbyint(std::clamp(value, -1e4, 1e5))); };
    for (const Record& record : records)
      for (const Keypoint& point : record.keypoints)
        cv::circle(canvas, {pixel(point.x), pixel(point.y)}, radius, color_of(record.category_id + 1), cv::FILLED, cv::LINE_AA);
    return drawn;
  }

 private:
  std::vector<std::string> names_;  // of the landmarks
};

}  // namespace

std::shared_ptr<const Task> make_face_detection(NodeArguments& given) {
  auto names = given.get<std::vector<std::string>>("landmarks", {});
  return std::make_shared<FaceDetection>(given.get("threshold", 0.5), std::move(names));
}

}  // namespace kit
