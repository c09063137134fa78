// The transforms of infer.yml: what common/vision offers for evaluation, with the same arguments and results.
#pragma once

#include <yaml-cpp/yaml.h>

#include <functional>
#include <map>
#include <opencv2/core.hpp>
#include <string>
#include <vector>

#include "kit/kit.h"

namespace kit {

// An image on its way to the network: uint8 RGB, and after Normalize `planes` float32 [C, H, W] instead.
struct Sample {
  cv::Mat image;
  Tensor planes;
  std::map<std::string, Tensor> facts;  // original_size, im_shape, scale_factor, crop
  std::vector<float> box;               // of the person who is to be cropped; empty: the whole image
  double box_score = 1;

  bool normalized() const { return !planes.bytes.empty(); }
  int height() const;
  int width() const;
};

Sample sample_of(const Image& image);

class Pipeline {
 public:
  // Raises ConfigError for a transform or an argument that this program does not have.
  explicit Pipeline(const YAML::Node& transforms, const std::string& file);
  void apply(std::vector<Sample>& samples) const;
  std::int64_t max_pixels() const { return max_pixels_; }
  // The first transform that moves the image within the input, which im_shape and scale_factor do not tell; empty for none.
  const std::string& moving() const { return moving_; }

 private:
  std::string moving_;
  std::vector<std::function<void(std::vector<Sample>&)>> steps_;
  std::int64_t max_pixels_ = pixel_limit;
};

}  // namespace kit
