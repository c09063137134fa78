// Boxes and names on pictures, as common/inference/tasks/detection.py draws them; letters beyond ASCII become '?'.
#pragma once

#include <opencv2/core.hpp>
#include <string>

#include "kit/kit.h"

namespace kit {

cv::Mat as_matrix(Image& image);  // shares the pixels
cv::Scalar colour_of(int number);
void draw_box(Image& image, const std::vector<double>& box, const cv::Scalar& colour);
// Writes a text on a filled ground above a corner, or inside the picture at its edge; `size` is its height in pixels.
void draw_name(Image& image, const std::string& text, cv::Point corner, const cv::Scalar& colour, int size);
std::string named(const Record& record);  // `label: 0.93`

}  // namespace kit
