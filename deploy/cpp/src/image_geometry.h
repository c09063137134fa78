// Resizes and windows of a sample; the rules of common/vision/geometry.py.
#pragma once

#include <string>
#include <utility>

#include "image_ops.h"

namespace kit {

void resize_sample(Sample& sample, int height, int width, const std::string& interpolation);
// Looks through a window whose corner lies at (top, left), which may be negative; outside it is `fill`.
void window_sample(Sample& sample, int top, int left, int height, int width, const cv::Scalar& fill);
void set_fact(Sample& sample, const std::string& name, float first, float second);
bool is_interpolation(const std::string& name);
std::pair<int, int> scaled(int height, int width, double scale);  // whole pixels, at least one

}  // namespace kit
