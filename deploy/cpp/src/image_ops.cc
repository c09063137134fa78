#include "image_ops.h"

#include <algorithm>
#include <array>
#include <opencv2/imgproc.hpp>

#include "files.h"
#include "image_geometry.h"
#include "node_arguments.h"

namespace kit {
namespace {

constexpr int largest = 1 << 15;  // of a side

using Step = std::function<void(Sample&)>;

// The arguments of one transform.
class Arguments : public NodeArguments {
 public:
  Arguments(const YAML::Node& node, const std::string& file)
      : NodeArguments(node["type"].as<std::string>(), node, file + ": preprocess") {}
  std::pair<int, int> size(const std::string& name = "size") {
    const YAML::Node value = node(name);
    if (!value) throw wrong("needs " + name);
    const bool one = value.IsScalar() || value.size() == 1;
    const std::pair<int, int> found{(value.IsScalar() ? value : value[0]).as<int>(),
                                    one ? (value.IsScalar() ? value : value[0]).as<int>() : value[1].as<int>()};
    if (std::min(found.first, found.second) < 1 || std::max(found.first, found.second) > largest)
      throw wrong("has a " + name + " that is not from 1 to " + std::to_string(largest));
    return found;
  }
  int divisor(int otherwise) {
    const int found = get("divisor", otherwise);
    if (found < 1 || found > largest) throw wrong("has a divisor that is not from 1 to " + std::to_string(largest));
    return found;
  }
  cv::Scalar fill(double otherwise) {
    const YAML::Node value = node("fill");
    if (!value) return cv::Scalar::all(otherwise);
    if (value.IsScalar()) return cv::Scalar::all(value.as<double>());
    return {value[0].as<double>(), value[1].as<double>(), value[2].as<double>(), 0};
  }
  std::string interpolation() {
    std::string name = get<std::string>("interp", "bilinear");
    if (!is_interpolation(name)) throw wrong("has interp '" + name + "', which is none of nearest, bilinear, cubic, area, lanczos");
    return name;
  }
};

int up_to_multiple(int value, int divisor) { return (value + divisor - 1) / divisor * divisor; }

Step resize(Arguments& given) {
  const auto size = given.size();
  const bool keep = given.get("keep_ratio", false);
  return [size, keep, interp = given.interpolation()](Sample& sample) {
    auto [height, width] = size;
    const double rows = sample.image.rows, columns = sample.image.cols;
    if (keep) std::tie(height, width) = scaled(sample.image.rows, sample.image.cols, std::min(height / rows, width / columns));
    resize_sample(sample, height, width, interp);
  };
}

Step resize_short(Arguments& given) {
  const auto [size, other] = given.size();
  if (size != other) throw given.wrong("draws one of several sizes, which is for training");
  const int most = given.get("max_size", 0);
  return [size = size, most, interp = given.interpolation()](Sample& sample) {
    const auto [least, longest] = std::minmax(sample.image.rows, sample.image.cols);
    double scale = static_cast<double>(size) / least;
    if (most > 0) scale = std::min(scale, static_cast<double>(most) / longest);
    const auto [height, width] = scaled(sample.image.rows, sample.image.cols, scale);
    resize_sample(sample, height, width, interp);
  };
}

Step resize_limits(Arguments& given) {
  const int least = given.get("short", 1), most = given.get("long", 1);
  return [least, most, interp = given.interpolation()](Sample& sample) {
    const auto [shorter, longer] = std::minmax(sample.image.rows, sample.image.cols);
    double scale = std::max(1.0, static_cast<double>(least) / shorter);
    scale = std::min(scale, static_cast<double>(most) / longer);
    const auto [height, width] = scaled(sample.image.rows, sample.image.cols, scale);
    resize_sample(sample, height, width, interp);
  };
}

Step resize_height(Arguments& given) {
  const int height = given.get("height", 1), most = given.get("max_width", 1);
  return [height, most, interp = given.interpolation()](Sample& sample) {
    const double scale = static_cast<double>(height) / sample.image.rows;
    const int width = scaled(sample.image.rows, sample.image.cols, scale).second;
    resize_sample(sample, height, std::min(width, most), interp);
  };
}

Step resize_long(Arguments& given) {
  const int size = given.size().first;
  return [size, interp = given.interpolation()](Sample& sample) {
    const double scale = static_cast<double>(size) / std::max(sample.image.rows, sample.image.cols);
    const auto [height, width] = scaled(sample.image.rows, sample.image.cols, scale);
    resize_sample(sample, height, width, interp);
  };
}

Step pad(Arguments& given, std::pair<int, int> size, double color) {
  const int divisor = given.divisor(1);
  const bool center = given.get("center", false);
  given.ignore("ignore");
  return [size, divisor, center, fill = given.fill(color)](Sample& sample) {
    const int rows = sample.image.rows, columns = sample.image.cols;
    const int height = up_to_multiple(std::max(rows, size.first), divisor);
    const int width = up_to_multiple(std::max(columns, size.second), divisor);
    const int top = center ? (height - rows) / 2 : 0, left = center ? (width - columns) / 2 : 0;
    const Tensor before = sample.facts.at("im_shape");
    window_sample(sample, -top, -left, height, width, fill);
    if (!center) sample.facts["im_shape"] = before;
  };
}

Step letter_box(Arguments& given) {
  const auto size = given.size();
  return [size, interp = given.interpolation(), padding = pad(given, size, 114)](Sample& sample) {
    const double scale = std::min(size.first / static_cast<double>(sample.image.rows),
                                  size.second / static_cast<double>(sample.image.cols));
    const auto [height, width] = scaled(sample.image.rows, sample.image.cols, scale);
    resize_sample(sample, height, width, interp);
    padding(sample);
  };
}

int half_down(int value) { return value >= 0 ? value / 2 : -((1 - value) / 2); }  // as Python's // 2

Step center_crop(Arguments& given) {
  const auto size = given.size();
  given.ignore("ignore");
  return [size, fill = given.fill(0)](Sample& sample) {
    const auto [height, width] = size;
    window_sample(sample, half_down(sample.image.rows - height), half_down(sample.image.cols - width), height, width, fill);
  };
}

// As common/vision/person_crop.py: whole pixels around the box, in the shape of the result.
Step person_crop(Arguments& given) {
  const auto size = given.given("size") ? given.size() : (given.ignore("size"), std::pair(256, 192));
  const double padding = given.get("padding", 1.25);
  if (!(padding >= 1)) throw given.wrong("has a padding that is not at least 1");
  return [size, padding, fill = given.fill(0), interp = given.interpolation()](Sample& sample) {
    const double x1 = sample.box.empty() ? 0 : sample.box[0], y1 = sample.box.empty() ? 0 : sample.box[1];
    const double x2 = sample.box.empty() ? sample.image.cols : sample.box[2], y2 = sample.box.empty() ? sample.image.rows : sample.box[3];
    const double unit = std::max({(x2 - x1) / size.second, (y2 - y1) / size.first, 1e-3});
    auto edges = [&](double low, double high, int side) {
      const double center = (low + high) / 2, extent = unit * (sample.box.empty() ? 1.0 : padding) * side;
      const double first = std::floor(center - extent / 2 + 0.5), last = std::floor(center + extent / 2 + 0.5);
      return std::pair(first, std::max(last - first, 1.0));
    };
    const auto [left, width] = edges(x1, x2, size.second);
    const auto [top, height] = edges(y1, y2, size.first);
    if (!(width * height <= static_cast<double>(pixel_limit)) || std::abs(left) > 1e9 || std::abs(top) > 1e9)
      throw DataError("error[D103] the crop of a person is larger than " + std::to_string(pixel_limit) + " pixels");
    window_sample(sample, static_cast<int>(top), static_cast<int>(left), static_cast<int>(height), static_cast<int>(width), fill);
    Tensor crop = Tensor::of(DType::float32, {4});
    const double corners[4] = {left, top, left + width, top + height};
    std::copy_n(corners, 4, crop.data<float>());
    sample.facts["crop"] = std::move(crop);
    resize_sample(sample, size.first, size.second, interp);
  };
}

Step normalize(Arguments& given) {
  const auto mean = given.get<std::vector<double>>("mean", {0.485, 0.456, 0.406});
  const auto deviation = given.get<std::vector<double>>("std", {0.229, 0.224, 0.225});
  const double scale = given.get("scale", 1 / 255.0);
  const bool bgr = given.get("bgr", false);
  if ((mean.size() != 1 && mean.size() != 3) || deviation.size() != mean.size())
    throw given.wrong("needs 1 or 3 values in mean and in std");
  for (std::size_t c = 0; c < mean.size(); ++c)
    if (!(deviation[c] > 0) || !(mean[c] <= 255 * scale))
      throw given.wrong("needs values of std above 0, and of mean up to 255 times scale");
  std::vector<std::array<float, 256>> tables(mean.size());
  for (std::size_t c = 0; c < mean.size(); ++c)
    for (int level = 0; level < 256; ++level)
      tables[c][level] = static_cast<float>((level * scale - mean[c]) / deviation[c]);
  return [tables, bgr](Sample& sample) {
    cv::Mat image = sample.image;
    const int channels = static_cast<int>(tables.size());
    if (channels == 1) cv::cvtColor(sample.image, image, cv::COLOR_RGB2GRAY);
    sample.planes = Tensor::of(DType::float32, {channels, image.rows, image.cols});
    float* out = sample.planes.data<float>();
    const std::size_t plane = static_cast<std::size_t>(image.rows) * image.cols;
    for (int y = 0; y < image.rows; ++y) {
      const std::uint8_t* from = image.ptr<std::uint8_t>(y);
      float* target = out + static_cast<std::size_t>(y) * image.cols;
      if (channels == 1) {
        for (int x = 0; x < image.cols; ++x) target[x] = tables[0][from[x]];
        continue;
      }
      const int first = bgr ? 2 : 0, last = 2 - first;
      for (int x = 0; x < image.cols; ++x, from += 3, ++target) {
        target[0] = tables[0][from[first]];
        target[plane] = tables[1][from[1]];
        target[2 * plane] = tables[2][from[last]];
      }
    }
    sample.image.release();
  };
}

// Pads every image of a batch at the bottom and right, to the largest among them and to a multiple.
std::function<void(std::vector<Sample>&)> pad_batch(Arguments& given) {
  const int divisor = given.divisor(32);
  const double value = given.get("fill", 0.0);
  given.ignore("ignore");
  return [divisor, value](std::vector<Sample>& samples) {
    int height = 0, width = 0;
    for (const Sample& sample : samples) height = std::max(height, sample.height()), width = std::max(width, sample.width());
    height = up_to_multiple(height, divisor);
    width = up_to_multiple(width, divisor);
    for (Sample& sample : samples) {
      if (!sample.normalized()) {
        const Tensor before = sample.facts.at("im_shape");
        window_sample(sample, 0, 0, height, width, cv::Scalar::all(value));
        sample.facts["im_shape"] = before;
        continue;
      }
      if (sample.height() == height && sample.width() == width) continue;
      const auto channels = sample.planes.shape[0];
      Tensor wide = Tensor::of(DType::float32, {channels, height, width});
      std::fill_n(wide.data<float>(), wide.size(), static_cast<float>(value));
      for (std::int64_t row = 0; row < channels * sample.height(); ++row)
        std::copy_n(sample.planes.data<float>() + row * sample.width(), sample.width(),
                    wide.data<float>() + (row / sample.height() * height + row % sample.height()) * width);
      sample.planes = std::move(wide);
    }
  };
}

}  // namespace

int Sample::height() const { return normalized() ? static_cast<int>(planes.shape[1]) : image.rows; }
int Sample::width() const { return normalized() ? static_cast<int>(planes.shape[2]) : image.cols; }

Sample sample_of(const Image& image) {
  Sample sample;
  sample.image = cv::Mat(image.height, image.width, CV_8UC3, const_cast<std::uint8_t*>(image.pixels.data()));
  Tensor size = Tensor::of(DType::int64, {2});
  size.data<std::int64_t>()[0] = image.height;
  size.data<std::int64_t>()[1] = image.width;
  sample.facts["original_size"] = std::move(size);
  set_fact(sample, "im_shape", static_cast<float>(image.height), static_cast<float>(image.width));
  set_fact(sample, "scale_factor", 1, 1);
  return sample;
}

Pipeline::Pipeline(const YAML::Node& transforms, const std::string& file) {
  static const std::map<std::string, std::function<Step(Arguments&)>> known{
      {"Resize", resize},
      {"ResizeShort", resize_short},
      {"ResizeLong", resize_long},
      {"ResizeLimits", resize_limits},
      {"ResizeHeight", resize_height},
      {"LetterBox", letter_box},
      {"Pad", [](Arguments& given) { return pad(given, given.given("size") ? given.size() : (given.ignore("size"), std::pair(1, 1)), 0); }},
      {"CenterCrop", center_crop},
      {"PersonCrop", person_crop},
      {"Normalize", normalize}};
  for (const auto& node : transforms) {
    Arguments given(node, file);
    const bool centered = (given.type == "LetterBox" || given.type == "Pad") && given.get("center", false);
    if (moving_.empty() && (centered || given.type == "CenterCrop")) moving_ = given.type + (centered ? " with center: true" : "");
    if (given.type == "Decode") {
      max_pixels_ = given.get("max_pixels", pixel_limit);
      if (given.get<std::string>("color", "rgb") == "gray")
        steps_.push_back([](std::vector<Sample>& samples) {
          for (Sample& sample : samples) {
            cv::Mat gray, three;
            cv::cvtColor(sample.image, gray, cv::COLOR_RGB2GRAY);
            cv::cvtColor(gray, three, cv::COLOR_GRAY2RGB);
            sample.image = three;
          }
        });
    } else if (given.type == "CharacterIds") {  // of the texts of training; it leaves images as they are
      for (const char* name : {"vocab", "unknown", "stride"}) given.ignore(name);
    } else if (given.type == "PadBatch") {
      steps_.push_back(pad_batch(given));
    } else if (const auto found = known.find(given.type); found != known.end()) {
      steps_.push_back([step = found->second(given)](std::vector<Sample>& samples) {
        for (Sample& sample : samples) step(sample);
      });
    } else {
      std::string names = "Decode, PadBatch";
      for (const auto& entry : known) names += ", " + entry.first;
      throw ConfigError(file + ": preprocess: this program has no '" + given.type + "'; it has " + names);
    }
    given.finish();
  }
}

void Pipeline::apply(std::vector<Sample>& samples) const {
  for (const auto& step : steps_) step(samples);
}

}  // namespace kit
