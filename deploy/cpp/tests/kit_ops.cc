// Runs the pre-processing of a YAML file on images, for the comparison with Python's: kit_ops LIST.
// Each line of LIST: transforms.yml, image (- for none: only decode), output.npz.
#include <fstream>
#include <iostream>
#include <sstream>

#include "image_ops.h"
#include "npy.h"

namespace {

kit::Tensor tensor_of(const cv::Mat& image) {
  kit::Tensor tensor = kit::Tensor::of(kit::DType::uint8, {image.rows, image.cols, 3});
  for (int y = 0; y < image.rows; ++y)
    std::copy_n(image.ptr<std::uint8_t>(y), 3 * image.cols, tensor.data<std::uint8_t>() + std::size_t{3} * y * image.cols);
  return tensor;
}

void run(const std::string& transforms, const std::string& path, const std::string& out) {
  const kit::Pipeline pipeline(YAML::LoadFile(transforms), transforms);
  const kit::Image image = kit::read_image(path, pipeline.max_pixels());
  std::vector<kit::Sample> samples{kit::sample_of(image)};
  pipeline.apply(samples);
  kit::Tensors found = samples[0].facts;
  found["image"] = samples[0].normalized() ? samples[0].planes : tensor_of(samples[0].image);
  kit::write_npz(out, found);
}

}  // namespace

int main(int count, char** words) {
  if (count != 2) return 2;
  std::ifstream list(words[1]);
  for (std::string line, transforms, path, out; std::getline(list, line);) {
    std::istringstream fields(line);
    std::getline(fields, transforms, '\t'), std::getline(fields, path, '\t'), std::getline(fields, out, '\t');
    try {
      run(transforms, path, out);
      std::cout << "ok\n";
    } catch (const kit::Error& error) {
      const std::string message = error.what();
      std::cout << error.exit_code << ' ' << message.substr(0, message.find('\n')) << '\n';
    }
  }
}
