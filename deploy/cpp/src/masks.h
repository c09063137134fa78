// Masks of objects, as common/vision/instance_masks.py computes them.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "kit/kit.h"

namespace kit {

using Pixels = std::vector<std::uint8_t>;  // 0 or 1, row by row

std::string encode_runs(const std::vector<std::int64_t>& counts);
Mask encode_mask(const Pixels& pixels, Size size);
Pixels decode_mask(const Mask& mask);  // of a code that encode_mask made
// The mask of a box in its image, of the probabilities in `side` x `side` cells of the box.
Pixels paste_mask(const double* cells, std::size_t side, const std::array<double, 4>& box, Size size, double threshold);

}  // namespace kit
