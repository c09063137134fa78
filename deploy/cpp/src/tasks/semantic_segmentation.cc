// A label map [N, H, W]: each class of an image with its share of the original pixels and its mask, the largest first.
#include <algorithm>
#include <cmath>
#include <map>

#include "drawing.h"
#include "json.h"
#include "run_length.h"
#include "tasks/task.h"

namespace kit {
namespace {

constexpr double class_opacity = 0.5;

class SemanticSegmentation : public Task {
 public:
  using Task::Task;

  std::vector<Records> records(const Tensors& outputs, const std::vector<std::string>& labels, double threshold,
                               const std::vector<Placement>& places) const override {
    const Tensor& map = output_named("label_map", outputs);
    if (map.shape.size() != 3 || map.dtype != DType::int32 || map.shape[0] < static_cast<std::int64_t>(places.size()))
      throw EnvironmentProblem("the model gives a label_map of " + spelled(map) + "; its task reads int32[N, H, W]");
    std::vector<Records> found;
    const int height = static_cast<int>(map.shape[1]), width = static_cast<int>(map.shape[2]);
    for (std::size_t n = 0; n < places.size(); ++n)
      found.push_back(classes(map.data<std::int32_t>() + n * height * width, width, places[n], labels, threshold));
    return found;
  }

  Image draw(const Image& image, const Records& records) const override {
    Image drawn = image;
    for (const Record& record : records) {
      const std::vector<std::uint8_t> inside = decode_mask(*record.mask);
      const cv::Scalar color = color_of(record.category_id);
      for (std::size_t i = 0; i < std::min(inside.size(), drawn.pixels.size() / 3); ++i)
        for (int c = 0; inside[i] && c < 3; ++c)
          drawn.pixels[3 * i + c] =
              static_cast<std::uint8_t>(std::nearbyint(image.pixels[3 * i + c] * (1 - class_opacity) + color[c] * class_opacity));
    }
    drawn = enlarged(drawn);
    const int size = std::max(11, static_cast<int>(std::nearbyint(std::max(drawn.height, drawn.width) / 45.0)));
    int row = 0;
    for (const Record& record : records) {
      char share[32];
      std::snprintf(share, sizeof share, ": %.1f %%", 100 * *record.share);
      const int down = 2 + static_cast<int>(std::nearbyint((++row) * 1.6 * size));
      draw_name(drawn, record.label + share, {2, down}, color_of(record.category_id), size);
    }
    return drawn;
  }

 private:
  // For each pixel of the original along one axis the pixel of the input that lies nearest.
  static std::vector<int> nearest(int size, float inner, float scale) {
    if (std::abs(size * static_cast<double>(scale) - inner) > 1)
      throw ConfigError("an image of " + std::to_string(size) + " pixels by the scale " + std::to_string(scale) + " is " +
                        std::to_string(inner) + " pixels of the input: the label map cannot be mapped back\n" +
                        "  fix: use Resize, LetterBox or Pad, without center");
    std::vector<int> places(static_cast<std::size_t>(size));
    for (int i = 0; i < size; ++i) places[i] = std::min(static_cast<int>((i + 0.5) * scale), static_cast<int>(inner) - 1);
    return places;
  }

  static Records classes(const std::int32_t* map, int width, const Placement& place, const std::vector<std::string>& labels,
                         double threshold) {
    const std::vector<int> rows = nearest(place.height, place.inner_height, place.scale_y);
    const std::vector<int> columns = nearest(place.width, place.inner_width, place.scale_x);
    std::vector<std::int32_t> ids;
    ids.reserve(rows.size() * columns.size());
    std::map<std::int32_t, std::size_t> counts;
    for (const int row : rows)
      for (const int column : columns) ++counts[ids.emplace_back(map[static_cast<std::size_t>(row) * width + column])];
    std::vector<std::pair<std::int32_t, std::size_t>> order(counts.begin(), counts.end());
    std::stable_sort(order.begin(), order.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
    Records here;
    std::vector<std::uint8_t> inside(ids.size());
    for (const auto& [id, count] : order) {
      const double share = static_cast<double>(count) / static_cast<double>(ids.size());
      if (share < threshold) continue;
      for (std::size_t i = 0; i < ids.size(); ++i) inside[i] = ids[i] == id;
      Record record{label_of(id, labels), id, 0, {}, {}, {}};
      record.share = rounded(share, 4);
      record.mask = encode_mask(inside, place.height, place.width);
      here.push_back(std::move(record));
    }
    return here;
  }
};

}  // namespace

std::shared_ptr<const Task> make_semantic_segmentation(NodeArguments& given) {
  return std::make_shared<SemanticSegmentation>(given.get("threshold", 0.0));
}

}  // namespace kit
