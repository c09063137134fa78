// The boxes in which a model of keypoints predicts: the records of a detector, as its --json and tools/infer.py write them.
#pragma once

#include <map>
#include <string>

#include "kit/kit.h"

namespace kit {

// The boxes of each image by its name: a list of objects, or one a line, with `image` and `predictions`. Raises DataError.
std::map<std::string, Records> read_boxes(const std::string& path);

}  // namespace kit
