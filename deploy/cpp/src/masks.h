// Masks of boxes, as common/vision/instance_masks.py places them.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace kit {

using Pixels = std::vector<std::uint8_t>;  // 0 or 1, row by row

// The mask of a box in an image of height x width, of the probabilities in `side` x `side` cells of the box.
Pixels paste_mask(const double* cells, std::size_t side, const std::array<double, 4>& box, int height, int width,
                  double threshold);

}  // namespace kit
