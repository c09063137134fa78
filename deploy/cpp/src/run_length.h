// Masks as COCO's run-length code, the same text as common/vision/instance_masks.py writes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kit/kit.h"

namespace kit {

// Of pixels [height, width], row by row; those that are not 0 are inside.
Mask encode_mask(const std::vector<std::uint8_t>& inside, int height, int width);
std::vector<std::uint8_t> decode_mask(const Mask& mask);  // 0 or 1, row by row; raises DataError for another code

}  // namespace kit
