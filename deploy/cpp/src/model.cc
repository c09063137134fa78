#include <algorithm>
#include <cmath>
#include <cstdio>
#include <iterator>
#include <opencv2/core.hpp>

#include "engine.h"
#include "fastest.h"
#include "image_ops.h"
#include "infer_config.h"
#include "lookups.h"
#include "manifest.h"
#include "prediction.h"
#include "published.h"
#include "tasks/task.h"
#include "text/text_task.h"

namespace kit {
namespace {

constexpr int boxes_at_a_time = 16;

std::string taken(const Input& input) {
  std::string text = name_of(input.dtype) + "[";
  for (std::size_t i = 0; i < input.shape.size(); ++i)
    text += (i ? ", " : "") + (input.shape[i] > 0 ? std::to_string(input.shape[i]) : "any");
  return text + "]";
}

// Refuses a batch that lacks an input, or has it in another shape or type, before the framework misreads it.
void check_inputs(const About& about, const Tensors& given) {
  for (const Input& input : about.inputs) {
    const auto found = given.find(input.name);
    const std::string takes = "the model of " + about.folder + " takes ";
    if (found == given.end()) {
      std::string names;
      for (const Input& each : about.inputs) names += (names.empty() ? "" : ", ") + each.name;
      throw ConfigError("the caller gives no '" + input.name + "'; " + takes + names);
    }
    const Tensor& tensor = found->second;
    bool fits = tensor.dtype == input.dtype && tensor.shape.size() == input.shape.size();
    for (std::size_t i = 0; fits && i < input.shape.size(); ++i)
      fits = input.shape[i] <= 0 ? tensor.shape[i] > 0 : tensor.shape[i] == input.shape[i];
    if (!fits) throw ConfigError("the caller gives '" + input.name + "' as " + spelled(tensor) + "; " + takes + taken(input));
    if (tensor.shape.size() == 4 && (tensor.shape[2] % about.size_multiple || tensor.shape[3] % about.size_multiple))
      throw ConfigError("the caller gives images of " + std::to_string(tensor.shape[2]) + " x " +
                        std::to_string(tensor.shape[3]) + "; " + takes + "sides that are multiples of " +
                        std::to_string(about.size_multiple) + ": resize to such a size, or pad with the transform PadBatch");
  }
}

}  // namespace

Tensor stacked(std::vector<Tensor*>& parts, std::size_t count, const std::string& name) {
  const Tensor& first = *parts[0];
  Tensor batch{first.dtype, first.shape, {}};
  batch.shape.insert(batch.shape.begin(), static_cast<std::int64_t>(count));
  if (count == 1) {
    batch.bytes = std::move(parts[0]->bytes);
    return batch;
  }
  batch.bytes.reserve(first.bytes.size() * count);
  for (std::size_t i = 0; i < count; ++i) {
    const Tensor& part = *parts[std::min(i, parts.size() - 1)];
    if (part.shape != first.shape)
      throw ConfigError("the images of a batch have the sizes " + spelled(first) + " and " + spelled(part) + " as '" + name +
                        "': the pre-processing keeps their shapes; run them one at a time (--batch 1), or pad with PadBatch");
    batch.bytes.insert(batch.bytes.end(), part.bytes.begin(), part.bytes.end());
  }
  return batch;
}

namespace {

// Where an image of known size lies in the input that the pre-processing made of it.
void place(const Sample& sample, Placement& place) {
  place.inner_height = static_cast<float>(place.height), place.inner_width = static_cast<float>(place.width);
  if (const auto inner = sample.facts.find("im_shape"); inner != sample.facts.end())
    place.inner_height = inner->second.data<float>()[0], place.inner_width = inner->second.data<float>()[1];
  if (const auto scale = sample.facts.find("scale_factor"); scale != sample.facts.end())
    place.scale_y = scale->second.data<float>()[0], place.scale_x = scale->second.data<float>()[1];
  if (const auto crop = sample.facts.find("crop"); crop != sample.facts.end())
    std::copy_n(crop->second.data<float>(), 4, place.crop.begin());
  place.box_score = sample.box_score;
}

// Refuses a box entirely outside of its image.
void check_inside(const std::vector<double>& box, const Image& image) {
  if (box[2] > 0 && box[3] > 0 && box[0] < image.width && box[1] < image.height) return;
  char text[160];
  std::snprintf(text, sizeof text, "[%.10g, %.10g, %.10g, %.10g]", box[0], box[1], box[2], box[3]);
  throw DataError("error[D113] the box " + std::string(text) + " lies outside of its image of " + std::to_string(image.width) + "x" +
                  std::to_string(image.height) + " pixels; boxes of another size of the image may be the cause\n  fix: give boxes in pixels of this image");
}

std::vector<Sample> samples_of(const std::vector<Image>& images) {
  std::vector<Sample> samples;
  for (const Image& image : images) samples.push_back(sample_of(image));
  return samples;
}

std::shared_ptr<const Pipeline> pipeline_of(const InferConfig& config) {
  const std::string file = config.about.folder + "/infer.yml";
  try {
    auto pipeline = std::make_shared<Pipeline>(config.preprocess, file);
    for (const Input& input : config.about.inputs)
      if (input.name == "scale_factor" && !pipeline->moving().empty())
        throw ConfigError(file + ": preprocess: " + pipeline->moving() + " moves the image within the input; the model predicts boxes " +
                          "in pixels of the original image, where scale_factor alone does not bring them back; export it again " +
                          "with Resize, LetterBox or Pad, without center");
    return pipeline;
  } catch (const YAML::Exception& error) {
    throw ConfigError(file + ": preprocess: " + error.what());
  }
}

std::shared_ptr<const LookUps> lookups_of(const InferConfig& config) {
  const std::string file = config.about.folder + "/infer.yml";
  try {
    return std::make_shared<LookUps>(config.tables, file, config.about.inputs);
  } catch (const YAML::Exception& error) {
    throw EnvironmentProblem(file + ": tables: " + error.what());
  }
}

std::shared_ptr<const Task> task_of(const InferConfig& config) {
  const std::string file = config.about.folder + "/infer.yml";
  try {
    return make_task(config.about.task, config.postprocess, file);
  } catch (const YAML::Exception& error) {
    throw ConfigError(file + ": postprocess: " + error.what());
  }
}

}  // namespace

void check_finite(const Tensors& outputs) {
  for (const auto& [name, tensor] : outputs) {
    if (tensor.dtype != DType::float32) continue;
    std::size_t wrong = 0;
    for (const double value : tensor.numbers()) wrong += !(value < INFINITY);
    if (wrong > 0)
      throw DataError("error[D153] the model's output '" + name + "' has " + std::to_string(wrong) +
                      " values that are NaN or infinite: its weights are damaged or diverged, or it does not bear this input");
  }
}

void name_categories(std::vector<Records>& found, const std::vector<int>& ids) {
  for (Records& records : found)
    for (Record& record : records)
      if (static_cast<std::size_t>(record.category_id) < ids.size()) record.category_id = ids[static_cast<std::size_t>(record.category_id)];
}

struct Model::Parts {
  std::shared_ptr<const About> about;
  std::shared_ptr<const Pipeline> pipeline;  // none where the task takes no images
  std::shared_ptr<const Task> task;
  std::string engine_name;
  std::unique_ptr<Engine> engine;
  std::shared_ptr<const LookUps> lookups;

  Tensors prepared(std::vector<Sample> samples, std::vector<Placement>& places) const;
  const Task& needed_task() const {
    if (task != nullptr && pipeline != nullptr) return *task;
    if (is_text_task(about->task)) throw ConfigError(about->folder + ": the task is " + about->task + ", which reads texts: --text FILE");
    std::string names;
    for (const std::string& name : about->kit_classes) names += (names.empty() ? "" : ", ") + name;
    const std::string why = names.empty() ? "the task is " + about->task + ", which this program runs"
                                          : "needs " + names + " of the kit " + about->kit +
                                                ", which are in Python (tools/infer.py, tools/serve.py); this program runs the model";
    throw ConfigError(about->folder + ": " + why + " on prepared tensors: --input in.npz --output out.npz");
  }
};

Model::Model(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Model::~Model() = default;
Model::Model(Model&&) noexcept = default;
Model& Model::operator=(Model&&) noexcept = default;

Model::Model(const std::string& given, const Options& options) : parts_(std::make_unique<Parts>()) {
  const std::string folder = served_folder(given);
  refuse_other(folder);
  verify_manifest(folder);  // before infer.yml is parsed, so that an edited one is refused as in Python
  const InferConfig config = read_infer_config(folder);
  parts_->about = std::make_shared<About>(config.about);
  if (config.about.kit_classes.empty()) parts_->task = task_of(config);
  if (parts_->task != nullptr) parts_->pipeline = pipeline_of(config);
  parts_->engine_name = options.engine == "auto" ? config.about.engine : options.engine;
  const bool automatic = parts_->engine_name == "auto";
  if (options.engine == "auto" && !automatic && parts_->engine_name != "paddle" && parts_->engine_name != "openvino")
    throw ConfigError(folder + "/infer.yml: the engine is " + parts_->engine_name +
                      ", which this program does not have; choose --engine paddle or --engine openvino");
  EngineOptions how{folder, config.about.outputs, config.delete_passes, options.threads, options.workers};
  if (how.threads == 0) how.threads = std::max(1, usable_cores() / options.workers);
  cv::setNumThreads(how.threads);
  if (automatic) parts_->engine_name = fastest_engine(folder, how.threads);
  parts_->engine = automatic ? load_engine_of_any_size(parts_->engine_name, how) : load_engine(parts_->engine_name, how);
  parts_->lookups = lookups_of(config);
}

Model Model::clone() const {
  auto twin = std::make_unique<Parts>();
  twin->about = parts_->about;
  twin->pipeline = parts_->pipeline;
  twin->task = parts_->task;
  twin->engine_name = parts_->engine_name;
  twin->engine = parts_->engine->clone();
  twin->lookups = parts_->lookups;
  return Model(std::move(twin));
}

const About& Model::about() const { return *parts_->about; }
const std::string& Model::engine() const { return parts_->engine_name; }
double Model::threshold() const { return parts_->needed_task().threshold(); }

Image Model::decode(const std::vector<std::uint8_t>& bytes, const std::string& name) const {
  parts_->needed_task();
  return decode_image(bytes.data(), bytes.size(), name, parts_->pipeline->max_pixels());
}

Tensors Model::run(const Tensors& inputs) const {
  check_inputs(*parts_->about, inputs);
  try {
    return parts_->engine->run(parts_->lookups->empty() ? inputs : parts_->lookups->with_rows(inputs));
  } catch (const Error&) {
    throw;
  } catch (const std::exception& error) {
    throw EnvironmentProblem(parts_->about->folder + ": the engine " + parts_->engine_name + " failed: " + error.what());
  }
}

Tensors Model::preprocess(const std::vector<Image>& images) const {
  std::vector<Placement> places;
  return parts_->prepared(samples_of(images), places);
}

Tensors Model::Parts::prepared(std::vector<Sample> samples, std::vector<Placement>& places) const {
  needed_task();
  for (const Sample& sample : samples) places.push_back({sample.image.rows, sample.image.cols});
  pipeline->apply(samples);
  for (std::size_t i = 0; i < samples.size(); ++i) place(samples[i], places[i]);
  const std::size_t count = static_cast<std::size_t>(about->fixed_batch().value_or(static_cast<int>(samples.size())));
  if (samples.empty() || samples.size() > count)
    throw ConfigError(about->folder + ": " + std::to_string(samples.size()) + " images were given, the program takes " +
                      std::to_string(count));
  Tensors batch;
  for (const Input& input : about->inputs) {
    std::vector<Tensor*> parts;
    for (Sample& sample : samples) {
      const bool image = input.name == "image";
      const auto fact = sample.facts.find(input.name);
      if (image ? !sample.normalized() : fact == sample.facts.end())
        throw ConfigError(about->folder + "/infer.yml: the pre-processing makes no '" + input.name + "', which the program takes");
      parts.push_back(image ? &sample.planes : &fact->second);
    }
    batch[input.name] = stacked(parts, count, input.name);
  }
  return batch;
}

std::vector<Records> Model::predict(const std::vector<Image>& images, std::optional<double> threshold, Stages* stages) const {
  const Task& task = parts_->needed_task();
  Stages spent;
  Lap lap;
  std::vector<Placement> places;
  const Tensors inputs = parts_->prepared(samples_of(images), places);
  spent.preprocess = lap();
  const Tensors outputs = run(inputs);
  check_finite(outputs);
  spent.run = lap();
  std::vector<Records> found = task.records(outputs, about().labels, threshold.value_or(task.threshold()), places);
  found.resize(images.size());
  name_categories(found, about().category_ids);
  spent.postprocess = lap();
  if (stages != nullptr) *stages = spent;
  return found;
}

Records Model::predict(const Image& image, std::optional<double> threshold) const {
  return std::move(predict(std::vector<Image>{image}, threshold)[0]);
}

Records Model::predict(const Image& image, const Records& boxes, std::optional<double> threshold) const {
  const Task& task = parts_->needed_task();
  if (!takes_boxes()) throw ConfigError(about().folder + ": the task is " + about().task + ", which takes no boxes");
  const std::size_t size = static_cast<std::size_t>(about().fixed_batch().value_or(boxes_at_a_time));
  std::vector<Sample> samples;
  Records found;
  auto run_samples = [&] {
    if (samples.empty()) return;
    std::vector<Placement> places;
    const Tensors outputs = run(parts_->prepared(std::move(samples), places));
    check_finite(outputs);
    for (Records& records : task.records(outputs, about().labels, threshold.value_or(task.threshold()), places))
      std::move(records.begin(), records.end(), std::back_inserter(found));
    samples.clear();
  };
  const auto sought = [&](const Record& box) { return box.box.size() == 4 && (box.label.empty() || box.label == *task.box_label()); };
  for (const Record& box : boxes)
    if (sought(box)) check_inside(box.box, image);
  for (const Record& box : boxes) {
    if (!sought(box)) continue;
    samples.push_back(sample_of(image));
    samples.back().box.assign(box.box.begin(), box.box.end());
    samples.back().box_score = box.score;
    if (samples.size() == size) run_samples();
  }
  run_samples();
  return found;
}

bool Model::takes_boxes() const { return parts_->needed_task().box_label() != nullptr; }

Image Model::draw(const Image& image, const Records& records) const { return parts_->needed_task().draw(image, records); }

}  // namespace kit
