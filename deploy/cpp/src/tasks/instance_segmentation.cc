// As Detection, and `masks` [R, M, M], the probabilities in each box.
#include <algorithm>
#include <cmath>
#include <utility>

#include "drawing.h"
#include "masks.h"
#include "run_length.h"
#include "tasks/detection.h"

namespace kit {
namespace {

constexpr double instance_opacity = 0.45;

class InstanceSegmentation : public Detection {
 public:
  InstanceSegmentation(double threshold, double mask_threshold) : Detection(threshold), mask_threshold_(mask_threshold) {}

  std::vector<Records> records(const Tensors& outputs, const std::vector<std::string>& labels, double threshold,
                               const std::vector<Placement>& places) const override {
    const Tensor& masks = output_named("masks", outputs);
    const std::vector<double> cells = masks.numbers();
    const std::size_t side = masks.shape.empty() ? 0 : static_cast<std::size_t>(masks.shape.back());
    std::vector<Records> all;
    const auto found = find(outputs, labels, threshold);
    for (std::size_t n = 0; n < std::min(found.size(), places.size()); ++n) {  // the last batch may be padded
      Records records;
      for (const Found& item : found[n]) {
        if ((item.row + 1) * side * side > cells.size())
          throw EnvironmentProblem("the model gives masks of " + spelled(masks) + "; its task reads one for each box, [R, M, M]");
        Record record = item.record;
        const auto [height, width] = std::pair(places[n].height, places[n].width);
        record.mask = encode_mask(paste_mask(&cells[item.row * side * side], side, item.box, height, width, mask_threshold_), height, width);
        records.push_back(std::move(record));
      }
      all.push_back(std::move(records));
    }
    return all;
  }

  Image draw(const Image& image, const Records& records) const override {
    Image drawn = image;
    for (auto record = records.rbegin(); record != records.rend(); ++record) {  // the best last, on top
      const cv::Scalar color = color_of(record->category_id);
      const Pixels inside = decode_mask(*record->mask);
      for (std::size_t i = 0; i < inside.size() && 3 * i < drawn.pixels.size(); ++i)
        if (inside[i])
          for (int c = 0; c < 3; ++c) {
            std::uint8_t& value = drawn.pixels[3 * i + static_cast<std::size_t>(c)];
            value = static_cast<std::uint8_t>(std::nearbyint(value * (1 - instance_opacity) + color[c] * instance_opacity));
          }
    }
    return Detection::draw(drawn, records);
  }

 private:
  double mask_threshold_;
};

}  // namespace

std::shared_ptr<const Task> make_instance_segmentation(NodeArguments& given) {
  const double mask_threshold = given.get("mask_threshold", 0.5);
  if (!(mask_threshold > 0 && mask_threshold < 1)) throw given.wrong("has a mask_threshold that is not above 0 and below 1");
  return std::make_shared<InstanceSegmentation>(given.get("threshold", 0.5), mask_threshold);
}

}  // namespace kit
