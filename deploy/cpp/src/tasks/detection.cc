// Boxes [R, 6], rows (label, score, x1, y1, x2, y2) of one image after another, and `num_boxes` [N].
#include "tasks/detection.h"

#include <algorithm>
#include <cmath>

#include "drawing.h"
#include "json.h"

namespace kit {
namespace {

void add(const double* row, std::size_t number, const std::vector<std::string>& labels, double threshold,
         std::vector<Detection::Found>& here) {
  if (!std::all_of(row, row + 6, [](double value) { return std::isfinite(value); })) return;
  if (row[0] < 0 || row[1] < threshold) return;
  const int label = static_cast<int>(row[0]);
  Record record{label_of(label, labels), label, row[1], {}, {}};
  for (int i = 2; i < 6; ++i) record.box.push_back(rounded(row[i], 2));
  here.push_back({std::move(record), number, {row[2], row[3], row[4], row[5]}});
}

}  // namespace

std::vector<std::vector<Detection::Found>> Detection::find(const Tensors& outputs, const std::vector<std::string>& labels,
                                                           double threshold) const {
  const Tensor& boxes = output_named("boxes", outputs);
  std::vector<double> rows = boxes.numbers();
  if (boxes.shape.empty() || boxes.shape.back() != 6) rows.clear();  // no box at all may come in another shape
  std::vector<std::vector<Found>> found;
  std::size_t row = 0;
  for (double count : output_named("num_boxes", outputs).numbers()) {
    std::vector<Found> here;
    const std::size_t end = std::min(row + static_cast<std::size_t>(std::max(count, 0.0)), rows.size() / 6);
    for (; row < end; ++row) add(&rows[6 * row], row, labels, threshold, here);
    std::stable_sort(here.begin(), here.end(),
                     [](const Found& a, const Found& b) { return a.record.score > b.record.score; });
    for (Found& item : here) item.record.score = rounded(item.record.score, 4);
    found.push_back(std::move(here));
  }
  return found;
}

std::vector<Records> Detection::records(const Tensors& outputs, const std::vector<std::string>& labels, double threshold,
                                        const std::vector<Size>&) const {
  std::vector<Records> all;
  for (std::vector<Found>& here : find(outputs, labels, threshold)) {
    Records records;
    for (Found& item : here) records.push_back(std::move(item.record));
    all.push_back(std::move(records));
  }
  return all;
}

Image Detection::draw(const Image& image, const Records& records) const {
  Image drawn = image;
  const int size = std::max(11, static_cast<int>(std::nearbyint(std::max(image.height, image.width) / 45.0)));
  for (auto record = records.rbegin(); record != records.rend(); ++record) {  // the best last, on top
    const cv::Scalar color = color_of(record->category_id);
    draw_box(drawn, record->box, color);
    const cv::Point corner(static_cast<int>(std::nearbyint(std::clamp(record->box[0], -1e4, 1e5))),
                           static_cast<int>(std::nearbyint(std::clamp(record->box[1], -1e4, 1e5))));
    draw_name(drawn, named(*record), corner, color, size);
  }
  return drawn;
}

std::shared_ptr<const Task> make_detection(NodeArguments& given) {
  return std::make_shared<Detection>(given.get("threshold", 0.5));
}

}  // namespace kit
