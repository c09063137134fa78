#include <doctest/doctest.h>

#include "image_geometry.h"
#include "refusal.h"

namespace {

kit::Image blank(int height, int width) {
  kit::Image image{height, width, {}};
  for (int i = 0; i < 3 * height * width; ++i) image.pixels.push_back(static_cast<std::uint8_t>(i));
  return image;
}

kit::Sample after(const std::string& transforms, const kit::Image& image) {
  std::vector<kit::Sample> samples{kit::sample_of(image)};
  kit::Pipeline(YAML::Load(transforms), "infer.yml").apply(samples);
  return samples[0];
}

}  // namespace

TEST_CASE("resizing notes the new size and the factors") {
  const kit::Sample sample = after("[{type: Resize, size: [10, 20]}]", blank(5, 8));
  CHECK(sample.image.rows == 10);
  CHECK(sample.image.cols == 20);
  CHECK(sample.facts.at("im_shape").numbers() == std::vector<double>{10, 20});
  CHECK(sample.facts.at("scale_factor").numbers() == std::vector<double>{2, 2.5});
  CHECK(sample.facts.at("original_size").numbers() == std::vector<double>{5, 8});
}

TEST_CASE("the nearest pixel is the one under the center of the new one") {
  const kit::Image image = blank(1, 6);  // of 6 to 3: centers lie at 1, 3 and 5
  const kit::Sample sample = after("[{type: Resize, size: [1, 3], interp: nearest}]", image);
  for (int x = 0; x < 3; ++x) CHECK(sample.image.at<cv::Vec3b>(0, x)[0] == 3 * (2 * x + 1));
}

TEST_CASE("the mean becomes 0 and a deviation more becomes 1") {
  const kit::Image image{1, 1, {0, 100, 200}};
  const kit::Sample sample = after("[{type: Normalize, mean: [0, 100, 0], std: [1, 1, 100], scale: 1}]", image);
  CHECK(sample.planes.numbers() == std::vector<double>{0, 0, 2});
  CHECK(sample.planes.shape == std::vector<std::int64_t>{3, 1, 1});
  const kit::Sample blue = after("[{type: Normalize, mean: [0, 0, 0], std: [1, 1, 1], scale: 1, bgr: true}]", image);
  CHECK(blue.planes.numbers() == std::vector<double>{200, 100, 0});
}

TEST_CASE("padding keeps the image in its corner, cropping takes the middle") {
  const kit::Image image = blank(2, 2);
  const kit::Sample padded = after("[{type: Pad, divisor: 4, fill: 9}]", image);
  CHECK(padded.image.size() == cv::Size(4, 4));
  CHECK(padded.image.at<cv::Vec3b>(1, 1) == cv::Vec3b(9, 10, 11));
  CHECK(padded.image.at<cv::Vec3b>(3, 3) == cv::Vec3b(9, 9, 9));
  CHECK(padded.facts.at("im_shape").numbers() == std::vector<double>{2, 2});
  const kit::Sample cut = after("[{type: CenterCrop, size: 1}]", blank(3, 3));
  CHECK(cut.image.at<cv::Vec3b>(0, 0) == cv::Vec3b(12, 13, 14));
  const kit::Sample grown = after("[{type: CenterCrop, size: 5}]", blank(2, 2));  // floor(-1.5) = -2 rows above
  CHECK(grown.image.at<cv::Vec3b>(2, 2) == cv::Vec3b(0, 1, 2));
}

TEST_CASE("a person is cropped around the padded box, of the shape of the result, by whole pixels") {
  std::vector<kit::Sample> samples{kit::sample_of(blank(100, 80))};
  samples[0].box = {20, 30, 40, 70};  // 20 x 40 pixels: 30 x 40 of the shape, 37.5 x 50 with padding
  kit::Pipeline(YAML::Load("[{type: PersonCrop, size: [64, 48]}]"), "infer.yml").apply(samples);
  CHECK(samples[0].image.size() == cv::Size(48, 64));
  CHECK(samples[0].facts.at("crop").numbers() == std::vector<double>{11, 25, 49, 75});
  samples[0].box = {0, 0, 40000, 70000};
  CHECK(holds(refusal([&] { kit::Pipeline(YAML::Load("[{type: PersonCrop}]"), "infer.yml").apply(samples); }), "D103"));
  CHECK(holds(refusal([] { kit::Pipeline(YAML::Load("[{type: PersonCrop, padding: 0}]"), "infer.yml"); }), "at least 1"));
}

TEST_CASE("a batch is padded to its largest image") {
  std::vector<kit::Image> images{blank(3, 5), blank(4, 2)};
  std::vector<kit::Sample> samples{kit::sample_of(images[0]), kit::sample_of(images[1])};
  const auto both = "[{type: Normalize, mean: [0, 0, 0], std: [1, 1, 1], scale: 1}, {type: PadBatch, divisor: 4, fill: -1}]";
  kit::Pipeline(YAML::Load(both), "infer.yml").apply(samples);
  for (const kit::Sample& sample : samples) CHECK(sample.planes.shape == std::vector<std::int64_t>{3, 4, 8});
  CHECK(samples[0].planes.data<float>()[8 + 4] == 3 * (5 + 4));  // row 1, column 4
  CHECK(samples[0].planes.data<float>()[8 + 5] == -1);
  CHECK(samples[0].planes.data<float>()[4 * 8] == 1);  // the second channel
}

TEST_CASE("a transform or an argument that is not known is refused by name") {
  CHECK(holds(refusal([] { after("[{type: RandomFlip}]", blank(2, 2)); }), "2 infer.yml: preprocess: this program has no 'RandomFlip'"));
  CHECK(holds(refusal([] { after("[{type: Resize, size: 2, antialias: true}]", blank(2, 2)); }), "Resize has 'antialias'"));
  CHECK(holds(refusal([] { after("[{type: Resize, size: 2, interp: sinc}]", blank(2, 2)); }), "interp 'sinc'"));
  CHECK(holds(refusal([] { after("[{type: ResizeShort, size: [2, 4]}]", blank(2, 2)); }), "one of several sizes"));
  CHECK(after("[{type: ResizeShort, size: [4]}]", blank(2, 2)).image.rows == 4);
}
