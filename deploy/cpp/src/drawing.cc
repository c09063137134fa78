#include "drawing.h"

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>

namespace kit {
namespace {

cv::Scalar from_hsv(double hue, double saturation, double value) {
  const int sector = static_cast<int>(hue * 6);
  const double part = hue * 6 - sector;
  const double p = value * (1 - saturation), q = value * (1 - saturation * part), t = value * (1 - saturation * (1 - part));
  const double table[6][3] = {{value, t, p}, {q, value, p}, {p, value, t}, {p, q, value}, {t, p, value}, {value, p, q}};
  const double* rgb = table[sector % 6];
  return {std::nearbyint(rgb[0] * 255), std::nearbyint(rgb[1] * 255), std::nearbyint(rgb[2] * 255)};
}

std::string ascii(const std::string& text) {
  std::string plain;
  for (unsigned char letter : text)
    if (letter < 0x80)
      plain += static_cast<char>(letter);
    else if (letter >= 0xc0)  // the first byte of another letter
      plain += '?';
  return plain;
}

}  // namespace

cv::Mat as_matrix(Image& image) { return {image.height, image.width, CV_8UC3, image.pixels.data()}; }

cv::Scalar color_of(int number) {
  const double turns = number * 0.61803398875 + 0.33;
  return from_hsv(turns - std::floor(turns), number % 2 ? 0.85 : 0.65, 0.95);
}

Image enlarged(const Image& image) {
  constexpr int legible = 224;  // pixels of the longer side from which names can be read
  const int side = std::max(image.height, image.width), scale = std::max(1, (legible + side - 1) / side);
  Image drawn{image.height * scale, image.width * scale, {}};
  drawn.pixels.resize(image.pixels.size() * scale * scale);
  Image source = image;
  cv::Mat target = as_matrix(drawn);
  cv::resize(as_matrix(source), target, target.size(), 0, 0, cv::INTER_NEAREST);
  return drawn;
}

void draw_box(Image& image, const std::vector<double>& box, const cv::Scalar& color) {
  cv::Mat canvas = as_matrix(image);
  const int thick = std::max(1, static_cast<int>(std::nearbyint(std::max(image.height, image.width) / 400.0)));
  auto pixel = [](double value) { return static_cast<int>(std::nearbyint(std::clamp(value, -1e4, 1e5))); };
  cv::rectangle(canvas, {pixel(box[0]), pixel(box[1])}, {pixel(box[2]), pixel(box[3])}, color, thick, cv::LINE_AA);
}

void draw_name(Image& image, const std::string& text, cv::Point corner, const cv::Scalar& color, int size) {
  cv::Mat canvas = as_matrix(image);
  const std::string plain = ascii(text);
  const double scale = size / 30.0;
  const int thick = std::max(1, size / 20);
  int below = 0;
  const cv::Size letters = cv::getTextSize(plain, cv::FONT_HERSHEY_SIMPLEX, scale, thick, &below);
  const int width = letters.width + 4, height = letters.height + below + 2;
  const int x = std::min(std::max(0, corner.x), std::max(0, image.width - width));
  const int y = corner.y >= height ? corner.y - height : std::max(0, corner.y);
  cv::rectangle(canvas, {x, y}, {x + width - 1, y + height - 1}, color, cv::FILLED);
  const bool bright = color.dot({0.299, 0.587, 0.114}) > 140;
  cv::putText(canvas, plain, {x + 2, y + 1 + letters.height}, cv::FONT_HERSHEY_SIMPLEX, scale,
              bright ? cv::Scalar(0, 0, 0) : cv::Scalar(255, 255, 255), thick, cv::LINE_AA);
}

std::string named(const Record& record) {
  char score[32];
  std::snprintf(score, sizeof score, ": %.2f", record.score);
  return record.label + score;
}

}  // namespace kit
