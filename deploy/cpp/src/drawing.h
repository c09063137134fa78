// Boxes and names on images, as common/inference/tasks/detection.py draws them; letters beyond ASCII become '?'.
#pragma once

#include <opencv2/core.hpp>
#include <string>

#include "kit/kit.h"

namespace kit {

cv::Mat as_matrix(Image& image);  // shares the pixels
cv::Scalar color_of(int number);
Image enlarged(const Image& image);  // its pixels repeated, so that names can be read on a small image
void draw_box(Image& image, const std::vector<double>& box, const cv::Scalar& color);
// Writes a text on a filled ground above a corner, or inside the image at its edge; `size` is its height in pixels.
void draw_name(Image& image, const std::string& text, cv::Point corner, const cv::Scalar& color, int size);
std::string named(const Record& record);  // `label: 0.93`

}  // namespace kit
