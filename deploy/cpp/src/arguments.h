// The options of kit_infer.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace kit {

struct Arguments {
  std::string model, image, text, boxes, box, input, output, out, engine = "auto";
  bool json = false, golden = false;
  std::optional<double> threshold;
  int threads = 0, workers = 1, batch = 0, repeat = 0, warmup = 5;  // batch 0: 1 for images, 32 for texts
};

// Raises ConfigError for what cannot be meant; returns nothing where only help was asked for, which is printed.
std::optional<Arguments> parse(int count, char** words);

}  // namespace kit
