#include "image_geometry.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <opencv2/imgproc.hpp>

namespace kit {
namespace {

// Debian's OpenCV takes other pixels than Python's where a factor is even, so this is the definition itself: the pixel
// under the center of the new one, and of two equally near the later.
void resize_nearest(const cv::Mat& from, cv::Mat& to) {
  std::vector<int> columns(static_cast<std::size_t>(to.cols));
  for (int x = 0; x < to.cols; ++x)
    columns[x] = 3 * static_cast<int>(std::min<std::int64_t>((2LL * x + 1) * from.cols / (2LL * to.cols), from.cols - 1));
  for (int y = 0; y < to.rows; ++y) {
    const int row = static_cast<int>(std::min<std::int64_t>((2LL * y + 1) * from.rows / (2LL * to.rows), from.rows - 1));
    const std::uint8_t* source = from.ptr<std::uint8_t>(row);
    std::uint8_t* target = to.ptr<std::uint8_t>(y);
    for (int x = 0; x < to.cols; ++x) std::copy_n(source + columns[x], 3, target + 3 * x);
  }
}

const std::map<std::string, int>& interpolations() {
  static const std::map<std::string, int> known{{"nearest", -1},
                                                {"bilinear", cv::INTER_LINEAR},
                                                {"cubic", cv::INTER_CUBIC},
                                                {"area", cv::INTER_AREA},
                                                {"lanczos", cv::INTER_LANCZOS4}};
  return known;
}

}  // namespace

bool is_interpolation(const std::string& name) { return interpolations().count(name) > 0; }

std::pair<int, int> scaled(int height, int width, double scale) {
  auto whole = [](double size) { return static_cast<int>(std::clamp(size + 0.5, 1.0, 2147483647.0)); };
  return {whole(height * scale), whole(width * scale)};
}

void set_fact(Sample& sample, const std::string& name, float first, float second) {
  Tensor fact = Tensor::of(DType::float32, {2});
  fact.data<float>()[0] = first;
  fact.data<float>()[1] = second;
  sample.facts[name] = std::move(fact);
}

void resize_sample(Sample& sample, int height, int width, const std::string& interpolation) {
  const int old_height = sample.image.rows, old_width = sample.image.cols;
  if (std::int64_t{height} * width > pixel_limit)
    throw DataError("error[D103] " + std::to_string(old_width) + "x" + std::to_string(old_height) + " would be resized to " +
                    std::to_string(width) + "x" + std::to_string(height) + ", more than " + std::to_string(pixel_limit) + " pixels");
  if (height != old_height || width != old_width) {
    cv::Mat resized(height, width, CV_8UC3);
    const int method = interpolations().at(interpolation);
    if (method < 0)
      resize_nearest(sample.image, resized);
    else
      cv::resize(sample.image, resized, resized.size(), 0, 0, method);
    sample.image = resized;
    if (auto found = sample.facts.find("scale_factor"); found != sample.facts.end()) {
      float* factor = found->second.data<float>();
      factor[0] = factor[0] * static_cast<float>(height) / static_cast<float>(old_height);
      factor[1] = factor[1] * static_cast<float>(width) / static_cast<float>(old_width);
    }
  }
  set_fact(sample, "im_shape", static_cast<float>(height), static_cast<float>(width));
}

void window_sample(Sample& sample, int top, int left, int height, int width, const cv::Scalar& fill) {
  const cv::Mat& image = sample.image;
  if (top != 0 || left != 0 || height != image.rows || width != image.cols) {
    const int y1 = std::max(top, 0), x1 = std::max(left, 0);
    const int y2 = std::min(top + height, image.rows), x2 = std::min(left + width, image.cols);
    cv::Mat seen;
    if (y1 >= y2 || x1 >= x2)
      seen = cv::Mat(height, width, CV_8UC3, fill);
    else
      cv::copyMakeBorder(image(cv::Range(y1, y2), cv::Range(x1, x2)), seen, y1 - top, top + height - y2, x1 - left,
                         left + width - x2, cv::BORDER_CONSTANT | cv::BORDER_ISOLATED, fill);
    sample.image = seen;
  }
  set_fact(sample, "im_shape", static_cast<float>(height), static_cast<float>(width));
}

}  // namespace kit
