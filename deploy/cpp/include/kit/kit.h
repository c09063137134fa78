// Runs an exported model: images, texts or tensors in, records or tensors out. All that a program of your own includes.
//
//     kit::Model model("output/yolov3/export");
//     for (const kit::Record& found : model.predict(kit::read_image("street.jpg"))) use(found.label, found.box);
//     kit::TextModel lac("output/lac/export");
//     for (const kit::Record& word : lac.predict("百度是一家高科技公司")) use(*word.text, word.label);
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace kit {

// A refusal in one message: what is wrong, where, and what would be right. `exit_code` is that of the commands:
// 2 usage or configuration, 3 data, 4 environment.
class Error : public std::runtime_error {
 public:
  Error(int code, const std::string& message) : std::runtime_error(message), exit_code(code) {}
  int exit_code;
};
struct ConfigError : Error {
  explicit ConfigError(const std::string& message) : Error(2, message) {}
};
struct DataError : Error {
  explicit DataError(const std::string& message) : Error(3, message) {}
};
struct EnvironmentProblem : Error {
  explicit EnvironmentProblem(const std::string& message) : Error(4, message) {}
};

enum class DType { float32, float64, int32, int64, uint8, int8, boolean };
std::size_t size_of(DType type);
std::string name_of(DType type);                 // as NumPy spells it
DType dtype_named(const std::string& name);      // raises ConfigError

// An array, the last axis running fastest.
struct Tensor {
  DType dtype = DType::float32;
  std::vector<std::int64_t> shape;
  std::vector<std::uint8_t> bytes;

  static Tensor of(DType dtype, std::vector<std::int64_t> shape);  // zeros
  std::int64_t size() const;                                       // elements
  std::vector<double> numbers() const;                             // every element as a double
  template <typename T>
  T* data() { return reinterpret_cast<T*>(bytes.data()); }
  template <typename T>
  const T* data() const { return reinterpret_cast<const T*>(bytes.data()); }
};
using Tensors = std::map<std::string, Tensor>;
std::string spelled(const Tensor& tensor);       // such as float32[1, 3, 320, 320]

// An upright RGB image, [height, width, 3].
struct Image {
  int height = 0, width = 0;
  std::vector<std::uint8_t> pixels;
};

constexpr std::int64_t pixel_limit = 178956970;

// Decodes JPEG, PNG, WebP, BMP, GIF (first frame) and PPM as Python's `decode_image` does; raises DataError.
Image decode_image(const std::uint8_t* data, std::size_t size, const std::string& name,
                   std::int64_t max_pixels = pixel_limit);
Image read_image(const std::string& path, std::int64_t max_pixels = pixel_limit);
void write_image(const std::string& path, const Image& image);  // .jpg, .jpeg or .png

// The pixels of an image that belong to a prediction, in COCO's run-length code.
struct Mask {
  int height = 0, width = 0;
  std::string counts;
};

// A named place in an image, in its pixels.
struct Keypoint {
  std::string name;
  double x = 0, y = 0, score = 0;
};

// One prediction; `box` (x1, y1, x2, y2 in pixels of the image) is empty where the task gives none. A class of a
// segmentation has `mask` and `share`, its part of the pixels, in place of a score. A person has `keypoints`, a word in an
// image has `text`, which is its label; an image that is embedded has nothing but `embedding`. A part of a text, a word
// or an answer, has `text`, and `start` and `end` in code points of the text.
struct Record {
  std::string label;
  int category_id = 0;
  double score = 0;
  std::vector<double> box;
  std::optional<double> share;
  std::optional<Mask> mask;
  std::vector<Keypoint> keypoints;
  std::optional<std::string> text = std::nullopt;
  std::vector<double> embedding = {};
  int start = -1, end = -1;
};
using Records = std::vector<Record>;

struct Options {
  std::string engine = "auto";  // paddle, openvino, or auto: what infer.yml names
  int threads = 0;              // of the math library; 0: the cores this process may use
  int workers = 1;              // clones that will run at the same time
};

struct Input {
  std::string name;
  std::vector<std::int64_t> shape;  // -1: any size
  DType dtype;
};

// What infer.yml says of a model. Where transforms or the task are classes of a kit, in Python, `kit` and `kit_classes` name
// them: such a model runs on tensors.
struct About {
  std::string folder, name, task, engine, kit;
  std::string threshold_from;  // the source of the task's score threshold; empty where the export does not say
  std::vector<std::string> kit_classes;
  std::vector<Input> inputs;
  std::vector<std::string> outputs, labels;
  std::vector<int> category_ids;  // of the labels in records; none: their places
  int size_multiple = 1;
  double tolerance = 1e-4;  // of the golden, relative to the largest value of an output
  std::optional<int> fixed_batch() const;  // how many samples the program takes, where its export has fixed that
};

// Seconds spent in each stage of a call.
struct Stages {
  double preprocess = 0, run = 0, postprocess = 0;
};

// An exported folder, checked file by file and loaded. Not to be used by two threads at once: clone it.
class Model {
 public:
  explicit Model(const std::string& folder, const Options& options = {});
  ~Model();
  Model(Model&&) noexcept;
  Model& operator=(Model&&) noexcept;

  Model clone() const;  // shares the weights
  const About& about() const;
  const std::string& engine() const;  // the one in use
  double threshold() const;           // the score threshold where none is given
  bool takes_boxes() const;           // whether it predicts what is in a box

  // Decodes an image under the limit of pixels that the pre-processing sets.
  Image decode(const std::vector<std::uint8_t>& bytes, const std::string& name) const;
  // The outputs of one batch, by the names of infer.yml. Raises ConfigError for an input of another name, shape or dtype.
  Tensors run(const Tensors& inputs) const;
  // The records of each image, run as one batch. Without a threshold that of the task is taken, see postprocess.
  std::vector<Records> predict(const std::vector<Image>& images, std::optional<double> threshold = {},
                               Stages* stages = nullptr) const;
  Records predict(const Image& image, std::optional<double> threshold = {}) const;
  // The keypoints in each box of an image, such as those that a detector found; boxes of other labels are left out.
  Records predict(const Image& image, const Records& boxes, std::optional<double> threshold = {}) const;
  Tensors preprocess(const std::vector<Image>& images) const;
  Image draw(const Image& image, const Records& records) const;

 private:
  struct Parts;
  explicit Model(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

// The current one of published versions (`published/current`): a new one is loaded beside the one in use and takes its place
// between two calls, so that every answer is of one version and none waits. Not to be used by two threads at once.
class CurrentModel {
 public:
  explicit CurrentModel(const std::string& root, const Options& options = {});  // raises ConfigError without versions
  ~CurrentModel();
  CurrentModel(CurrentModel&&) noexcept;
  CurrentModel& operator=(CurrentModel&&) noexcept;

  Tensors run(const Tensors& inputs);  // as Model::run; looks for a new version
  bool refresh();                      // waits until the newest version is loaded; whether it is another one than before
  const Model& model() const;
  const std::string& version() const;  // of the model in use
  const std::string& problem() const;  // why the newest version was not taken; empty if it was

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

// A text as a model reads it, and what is predicted.
struct TextResult {
  Records records;         // the best first; those of spans in the order of the text
  bool truncated = false;  // whether the text was cut, for it is longer than the model reads
  std::string error;       // why the text cannot be used; empty if it was
};

// An exported folder whose task reads texts: classification (also of pairs), sequence labeling, reading comprehension. A
// text is UTF-8, in the form of a line of tools/infer.py: the text, `first<tab>second`, `question<tab>text`, or an object of
// JSON by the names of the fields. Not to be used by two threads at once: clone it.
class TextModel {
 public:
  explicit TextModel(const std::string& folder, const Options& options = {});
  ~TextModel();
  TextModel(TextModel&&) noexcept;
  TextModel& operator=(TextModel&&) noexcept;

  TextModel clone() const;     // shares the weights
  const Model& model() const;  // the program: about, engine, run
  double threshold() const;    // the score threshold where none is given
  // The records of a text; raises DataError for one that cannot be used.
  Records predict(const std::string& text, std::optional<double> threshold = {}) const;
  // Of each text, run as one batch; one that cannot be used has its error instead.
  std::vector<TextResult> predict(const std::vector<std::string>& texts, std::optional<double> threshold = {},
                                  Stages* stages = nullptr) const;

  struct Parts;  // of the program kit_infer, which reads whole files
  const Parts& parts() const { return *parts_; }

 private:
  explicit TextModel(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace kit
