// Follows one object through the frames of a folder; the rules of common/inference/tracks.py and common/vision/tracking.py.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <opencv2/imgproc.hpp>
#include <optional>

#include "drawing.h"
#include "files.h"
#include "infer_config.h"
#include "json.h"
#include "runner.h"
#include "source.h"

namespace kit {
namespace {

using Box = std::array<double, 4>;  // x, y, width, height
constexpr double smallest = 2;      // pixels of a side of the box
constexpr double largest_count = 9e15;

struct Crops {
  int exemplar = 127, instance = 255;
  double context = 0.5;
  std::int64_t max_pixels = pixel_limit;
};

Crops crops_of(const About& about) {
  const InferConfig config = read_infer_config(about.folder);
  for (const YAML::Node& step : config.preprocess) {
    if (step["type"].as<std::string>("") != "TrackingCrops") continue;
    Crops crops;
    crops.exemplar = step["exemplar"].as<int>(crops.exemplar);
    crops.instance = step["instance"].as<int>(crops.instance);
    crops.context = step["context"].as<double>(crops.context);
    crops.max_pixels = step["max_pixels"].as<std::int64_t>(crops.max_pixels);
    if (crops.exemplar < 1 || crops.instance < crops.exemplar || crops.instance > 8192 || crops.context < 0) break;
    return crops;
  }
  throw ConfigError(about.folder + "/infer.yml: the pre-processing of a tracker has TrackingCrops with sizes above 0; this one has not");
}

// What the task MaskTracking makes of a mask; of ObjectTracking there is none.
struct Outline {
  bool wanted = false, rotated = true;
  double threshold = 0.3;
};

Outline outline_of(const About& about) {
  Outline outline;
  outline.wanted = about.task == "MaskTracking";
  if (!outline.wanted) return outline;
  const YAML::Node settings = read_infer_config(about.folder).postprocess;
  outline.rotated = settings["rotated"].as<bool>(outline.rotated);
  outline.threshold = settings["mask_threshold"].as<double>(outline.threshold);
  return outline;
}

// The corners of the smallest rectangle around the largest part of a mask, clockwise from that of the smallest x + y; empty
// for an empty mask. The rules of common/vision/track_masks.py.
std::vector<cv::Point2d> rectangle_of(const cv::Mat& mask) {
  std::vector<std::vector<cv::Point>> outlines;
  cv::findContours(mask, outlines, cv::RETR_EXTERNAL, cv::CHAIN_APPROX_NONE);
  const std::vector<cv::Point>* largest = nullptr;
  std::pair<double, std::size_t> most{-1, 0};
  for (const std::vector<cv::Point>& outline : outlines)
    if (const std::pair<double, std::size_t> area{cv::contourArea(outline), outline.size()}; area > most) most = area, largest = &outline;
  if (!largest) return {};
  std::vector<cv::Point2f> points, corners(4);
  for (const cv::Point shift : {cv::Point(0, 0), cv::Point(1, 0), cv::Point(0, 1), cv::Point(1, 1)})
    for (const cv::Point& point : *largest) points.emplace_back(point + shift);
  cv::minAreaRect(points).points(corners.data());
  const auto first = std::min_element(corners.begin(), corners.end(), [](const auto& a, const auto& b) { return a.x + a.y < b.x + b.y; });
  std::rotate(corners.begin(), first, corners.end());
  return {corners.begin(), corners.end()};
}

Box parse_box(const std::string& text) {
  const std::string right = "--box " + text + ": write --box x,y,width,height in pixels of the first frame, such as --box 120,80,40,60";
  Box box{};
  const char* at = text.c_str();
  for (std::size_t i = 0; i < 4; ++i) {
    char* end = nullptr;
    box[i] = std::strtod(at, &end);
    if (end == at || !std::isfinite(box[i]) || *end != (i < 3 ? ',' : '\0')) throw ConfigError(right);
    at = end + 1;
  }
  if (box[2] <= 0 || box[3] <= 0) throw ConfigError(right);
  return box;
}

double context_side(const Box& box, double context) {
  const double margin = context * (box[2] + box[3]);
  return std::sqrt((box[2] + margin) * (box[3] + margin));
}

struct Axis {
  std::vector<long> first;
  std::vector<float> weight;  // of the pixel after it
};

Axis positions(double center, double side, int size, int length) {
  Axis axis;
  for (int i = 0; i < size; ++i) {
    const double place = center + (i + 0.5 - size / 2.0) * (side / size) - 0.5;
    const double first = std::floor(std::clamp(place, -2.0, length + 1.0));
    axis.first.push_back(static_cast<long>(first));
    axis.weight.push_back(static_cast<float>(std::clamp(place - first, 0.0, 1.0)));
  }
  return axis;
}

// A square of a frame, float32 [1, 3, size, size]; outside of the frame lies its mean color.
Tensor crop_square(const Image& image, double x, double y, double side, int size) {
  const std::size_t count = static_cast<std::size_t>(image.height) * image.width;
  std::array<double, 3> sums{};
  for (std::size_t i = 0; i < 3 * count; ++i) sums[i % 3] += image.pixels[i];
  const Axis rows = positions(y, side, size, image.height), columns = positions(x, side, size, image.width);
  Tensor crop = Tensor::of(DType::float32, {1, 3, size, size});
  float* out = crop.data<float>();
  for (int channel = 0; channel < 3; ++channel) {
    const float fill = static_cast<float>(sums[channel] / static_cast<double>(count));
    const auto pixel = [&](long row, long column) {
      const bool outside = row < 0 || column < 0 || row >= image.height || column >= image.width;
      return outside ? fill : static_cast<float>(image.pixels[3 * (static_cast<std::size_t>(row) * image.width + column) + channel]);
    };
    for (int i = 0; i < size; ++i)
      for (int j = 0; j < size; ++j) {
        const long row = rows.first[i], column = columns.first[j];
        const float a = pixel(row, column), b = pixel(row, column + 1), c = pixel(row + 1, column), d = pixel(row + 1, column + 1);
        const float upper = a + (b - a) * columns.weight[j], lower = c + (d - c) * columns.weight[j];
        *out++ = upper + (lower - upper) * rows.weight[i];
      }
  }
  return crop;
}

void check_first_box(const Box& box, const Image& frame, const std::string& path) {
  const bool inside = box[0] < frame.width && box[1] < frame.height && box[0] + box[2] > 0 && box[1] + box[3] > 0;
  if (inside && box[2] <= 2.0 * frame.width && box[3] <= 2.0 * frame.height) return;
  char text[160];
  std::snprintf(text, sizeof text, "the first box [%g, %g, %g, %g] %s the first frame of %dx%d pixels", box[0], box[1], box[2], box[3],
                inside ? "is larger than" : "lies outside of", frame.width, frame.height);
  throw bad("D113", path, text, "give x,y,width,height in pixels of this frame");
}

// The number at the end of the name of a frame, or -1.
double number_of(const std::string& path) {
  const std::string name = std::filesystem::path(path).stem().string();
  const std::size_t last = name.find_last_of("0123456789");
  if (last == std::string::npos) return -1;
  const std::size_t before = name.find_last_not_of("0123456789", last);
  return std::strtod(name.substr(before == std::string::npos ? 0 : before + 1, last + 1).c_str(), nullptr);
}

// Orders frames by their numbers, and refuses a folder in which one is missing.
void put_in_order(std::vector<ImageFile>& frames, const std::string& folder) {
  if (std::any_of(frames.begin(), frames.end(), [](const ImageFile& file) {
        const double number = number_of(file.path);
        return number < 0 || number > largest_count;
      }))
    return;
  std::stable_sort(frames.begin(), frames.end(), [](const ImageFile& a, const ImageFile& b) { return number_of(a.path) < number_of(b.path); });
  std::vector<double> steps;
  for (std::size_t i = 1; i < frames.size(); ++i) steps.push_back(number_of(frames[i].path) - number_of(frames[i - 1].path));
  if (steps.size() < 2) return;
  std::vector<double> sorted = steps;
  std::sort(sorted.begin(), sorted.end());
  const double usual = std::floor((sorted[(sorted.size() - 1) / 2] + sorted[sorted.size() / 2]) / 2);
  if (usual < 1) return;
  const auto gaps = std::count_if(steps.begin(), steps.end(), [&](double step) { return step != usual; });
  if (gaps == 0) return;
  const auto first = std::find_if(steps.begin(), steps.end(), [&](double step) { return step != usual; }) - steps.begin();
  const auto name = [&](std::ptrdiff_t i) { return std::filesystem::path(frames[static_cast<std::size_t>(i)].path).filename().string(); };
  throw bad("D104", folder, "a frame is missing: " + name(first) + " is followed by " + name(first + 1) + ", in " + std::to_string(gaps) +
                                " places the numbers do not go on", "extract the frames again");
}

void draw_polygon(Image& frame, const std::vector<cv::Point2d>& corners) {
  std::vector<cv::Point> points;
  for (const cv::Point2d& corner : corners) points.emplace_back(cvRound(corner.x), cvRound(corner.y));
  cv::polylines(as_matrix(frame), points, true, cv::Scalar(255, 0, 0), 2);
}

class Track {
 public:
  Track(const Model& model, const Image& frame, const Box& box, const std::string& path)
      : model_(model), crops_(crops_of(model.about())), outline_(outline_of(model.about())), box_(box) {
    check_first_box(box, frame, path);
    template_ = crop_square(frame, box[0] + box[2] / 2, box[1] + box[3] / 2, context_side(box, crops_.context), crops_.exemplar);
  }

  // The score of the frame; `box()` is where the object is now.
  double follow(const Image& frame) {
    const double scale = crops_.exemplar / context_side(box_, crops_.context);
    const double center[2] = {box_[0] + box_[2] / 2, box_[1] + box_[3] / 2}, limits[2] = {double(frame.width), double(frame.height)};
    Tensor size = Tensor::of(DType::float32, {1, 2});
    for (int i = 0; i < 2; ++i) size.data<float>()[i] = static_cast<float>(box_[2 + i] * scale);
    const Tensors outputs = model_.run({{"template", template_},
                                        {"search", crop_square(frame, center[0], center[1], crops_.instance / scale, crops_.instance)},
                                        {"size", size}});
    const auto found = outputs.find("box"), score = outputs.find("score");
    if (found == outputs.end() || score == outputs.end() || found->second.size() < 4 || score->second.size() < 1)
      throw EnvironmentProblem(model_.about().folder + ": the model gives no 'box' and 'score', which a tracker has");
    const std::vector<double> box = found->second.numbers();
    for (double value : box)
      if (!std::isfinite(value)) throw DataError("error[D153] the tracker gives a box that is NaN or infinite");
    for (int i = 0; i < 2; ++i) {
      const double middle = std::clamp(center[i] + box[i] / scale, 0.0, limits[i]);
      box_[2 + i] = std::min(std::max(box[2 + i] / scale, smallest), limits[i]);
      box_[i] = middle - box_[2 + i] / 2;
    }
    corners_ = outline_.wanted ? corners_of(outputs, center, scale) : std::vector<cv::Point2d>{};
    return score->second.numbers()[0];
  }

  const Box& box() const { return box_; }
  bool has_polygon() const { return outline_.wanted; }

  // The corners of the object: of the rectangle around its mask, or of its box where there is none.
  std::vector<cv::Point2d> polygon() const {
    if (!corners_.empty()) return corners_;
    const double right = box_[0] + box_[2], bottom = box_[1] + box_[3];
    return {{box_[0], box_[1]}, {right, box_[1]}, {right, bottom}, {box_[0], bottom}};
  }

  std::int64_t max_pixels() const { return crops_.max_pixels; }

 private:
  // The corners in pixels of the frame, about the center of the region; empty where no pixel is of the object.
  std::vector<cv::Point2d> corners_of(const Tensors& outputs, const double* center, double scale) const {
    const auto mask = outputs.find("mask"), place = outputs.find("place");
    if (mask == outputs.end() || place == outputs.end() || mask->second.shape.size() != 3 || place->second.size() < 2)
      throw EnvironmentProblem(model_.about().folder + ": the model gives no 'mask' and 'place', which a tracker with masks has");
    const int height = static_cast<int>(mask->second.shape[1]), width = static_cast<int>(mask->second.shape[2]);
    const std::vector<double> values = mask->second.numbers(), shift = place->second.numbers();
    cv::Mat pixels(height, width, CV_8U);
    for (int i = 0; i < height * width; ++i) pixels.data[i] = values[static_cast<std::size_t>(i)] >= outline_.threshold;
    std::vector<cv::Point2d> corners = rectangle_of(pixels);
    for (cv::Point2d& corner : corners)
      corner = {(corner.x - width / 2.0 + shift[0]) / scale + center[0], (corner.y - height / 2.0 + shift[1]) / scale + center[1]};
    if (outline_.rotated || corners.empty()) return corners;
    double left = corners[0].x, right = left, top = corners[0].y, bottom = top;
    for (const cv::Point2d& corner : corners) {
      left = std::min(left, corner.x), right = std::max(right, corner.x);
      top = std::min(top, corner.y), bottom = std::max(bottom, corner.y);
    }
    return {{left, top}, {right, top}, {right, bottom}, {left, bottom}};
  }

  const Model& model_;
  Crops crops_;
  Outline outline_;
  Tensor template_;
  Box box_;
  std::vector<cv::Point2d> corners_;  // of the last frame
};

}  // namespace

bool tracks(const std::string& task) { return task == "ObjectTracking" || task == "MaskTracking"; }

int run_track(Model& model, const Arguments& given) {
  if (given.box.empty())
    throw ConfigError("this model tracks an object from where it is at first: --box x,y,width,height in pixels of the first frame, such as --box 120,80,40,60");
  const Box first = parse_box(given.box);
  Source source = open_source(given.image);
  if (!source.many) throw ConfigError("--image " + given.image + ": this program tracks through the frames of a folder");
  put_in_order(source.images, given.image);
  std::optional<Drawing> drawing;
  if (!given.out.empty()) drawing.emplace(given.out, source);
  const std::int64_t most = crops_of(model.about()).max_pixels;
  const double threshold = given.threshold.value_or(0);
  std::optional<Track> track;
  std::size_t height = 0, width = 0, number = 0, shown = 0;
  Json records = Json::array();
  for (const ImageFile& file : source.images) {
    const std::vector<std::uint8_t> bytes = file.content();
    Image frame = decode_image(bytes.data(), bytes.size(), file.path, most);
    double score = 1;
    if (!track) {
      track.emplace(model, frame, first, given.image);
      height = static_cast<std::size_t>(frame.height), width = static_cast<std::size_t>(frame.width);
    } else if (static_cast<std::size_t>(frame.height) != height || static_cast<std::size_t>(frame.width) != width) {
      throw bad("D111", file.path, "the frame is of " + std::to_string(frame.width) + "x" + std::to_string(frame.height) + " pixels, the first one of " +
                                       std::to_string(width) + "x" + std::to_string(height), "give frames of one sequence");
    } else {
      score = track->follow(frame);
    }
    const Box& box = track->box();
    const std::vector<double> corners{rounded(box[0], 2), rounded(box[1], 2), rounded(box[0] + box[2], 2), rounded(box[1] + box[3], 2)};
    if (rounded(score, 4) >= threshold) {
      records.push_back({{"frame", number}, {"box", corners}, {"score", rounded(score, 4)}});
      ++shown;
      const std::vector<cv::Point2d> polygon = track->polygon();
      if (track->has_polygon()) {
        Json& around = records.back()["polygon"] = Json::array();
        for (const cv::Point2d& corner : polygon) around.push_back(rounded(corner.x, 2)), around.push_back(rounded(corner.y, 2));
      }
      if (drawing && track->has_polygon()) draw_polygon(frame, polygon);
      if (drawing && !track->has_polygon()) draw_box(frame, corners, cv::Scalar(255, 0, 0));
    }
    if (drawing) drawing->add(file, frame);
    ++number;
  }
  if (given.json) {
    std::cout << printable(python_json({{"video", given.image}, {"predictions", records}})) << '\n';
    return 0;
  }
  std::cout << printable(given.image) << ": in " << shown << " frames\n";
  char text[200];
  for (std::size_t i = 0; i < shown; i += std::max<std::size_t>(1, shown / 5)) {
    const Json& record = records[i];
    const Json& box = record["box"];
    std::snprintf(text, sizeof text, "  frame %d %.3f [%.1f, %.1f, %.1f, %.1f]\n", record["frame"].get<int>(), record["score"].get<double>(),
                  box[0].get<double>(), box[1].get<double>(), box[2].get<double>(), box[3].get<double>());
    std::cout << text;
  }
  return 0;
}

}  // namespace kit
