#include "text/text_model.h"

#include <algorithm>

#include "infer_config.h"
#include "prediction.h"
#include "text/text_source.h"

namespace kit {
namespace {

std::unique_ptr<TextModel::Parts> parts_of(const std::string& folder, const Options& options) {
  Model model(folder, options);  // checks every file of the folder first
  const InferConfig config = read_infer_config(folder);
  if (!config.about.kit_classes.empty()) {
    std::string names;
    for (const std::string& name : config.about.kit_classes) names += (names.empty() ? "" : ", ") + name;
    throw ConfigError(folder + ": needs " + names + " of the kit " + config.about.kit +
                      ", which are in Python (tools/infer.py, tools/serve.py); this program runs the model on prepared tensors: "
                      "--input in.npz --output out.npz");
  }
  try {
    auto task = make_text_task(config.about.task, config.postprocess, folder);
    if (task == nullptr) throw ConfigError(folder + ": the task is " + config.about.task + ", which reads no texts in this program");
    auto pipeline = std::make_shared<const TextPipeline>(config.preprocess, folder);
    return std::unique_ptr<TextModel::Parts>(new TextModel::Parts{std::move(model), std::move(pipeline), std::move(task)});
  } catch (const YAML::Exception& error) {
    throw ConfigError(folder + "/infer.yml: " + error.what());
  }
}

}  // namespace

std::vector<Records> TextModel::Parts::run(std::vector<TextSample> samples, double threshold, Stages& spent) const {
  Lap lap;
  const About& about = model.about();
  const std::size_t count = static_cast<std::size_t>(about.fixed_batch().value_or(static_cast<int>(samples.size())));
  if (samples.size() > count)
    throw ConfigError(about.folder + ": " + std::to_string(samples.size()) + " texts were given, the program takes " + std::to_string(count));
  pipeline->pad(samples);
  Tensors batch;
  for (const Input& input : about.inputs) {
    std::vector<Tensor*> parts;
    for (TextSample& sample : samples) {
      const auto found = sample.inputs.find(input.name);
      if (found == sample.inputs.end())
        throw EnvironmentProblem(about.folder + "/infer.yml: the pre-processing makes no '" + input.name + "', which the program takes");
      parts.push_back(&found->second);
    }
    batch[input.name] = stacked(parts, count, input.name);
  }
  spent.preprocess += lap();
  const Tensors outputs = model.run(batch);
  check_finite(outputs);
  spent.run += lap();
  std::vector<Records> found = task->records(outputs, samples, about.labels, threshold);
  found.resize(samples.size());
  name_categories(found, about.category_ids);
  spent.postprocess += lap();
  return found;
}

std::vector<TextPrediction> TextModel::Parts::predict(const std::vector<std::map<std::string, Letters>>& texts,
                                                      std::optional<double> threshold, Stages* stages) const {
  Stages spent;
  Lap lap;
  std::vector<TextPrediction> predictions(texts.size());
  std::vector<TextSample> samples;
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    TextSample sample;
    sample.texts = texts[i];
    try {
      pipeline->prepare(sample);
    } catch (const BadText& error) {
      predictions[i].error = error;
      continue;
    }
    predictions[i].coverage = sample.coverage;
    predictions[i].truncated = sample.truncated();
    samples.push_back(std::move(sample));
    places.push_back(i);
  }
  spent.preprocess += lap();
  const double least = threshold.value_or(task->threshold());
  try {
    std::vector<Records> found = samples.empty() ? std::vector<Records>() : run(samples, least, spent);
    for (std::size_t k = 0; k < found.size(); ++k) predictions[places[k]].records = std::move(found[k]);
  } catch (const DataError&) {  // of one of them
    for (std::size_t k = 0; k < samples.size(); ++k) {
      try {
        predictions[places[k]].records = std::move(run({samples[k]}, least, spent)[0]);
      } catch (const DataError& error) {
        predictions[places[k]].not_finite = error.what();
      }
    }
  }
  if (stages != nullptr) *stages = spent;
  return predictions;
}

TextModel::TextModel(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
TextModel::TextModel(const std::string& folder, const Options& options) : parts_(parts_of(folder, options)) {}
TextModel::~TextModel() = default;
TextModel::TextModel(TextModel&&) noexcept = default;
TextModel& TextModel::operator=(TextModel&&) noexcept = default;

TextModel TextModel::clone() const {
  return TextModel(std::unique_ptr<Parts>(new Parts{parts_->model.clone(), parts_->pipeline, parts_->task}));
}

const Model& TextModel::model() const { return parts_->model; }
double TextModel::threshold() const { return parts_->task->threshold(); }

std::vector<TextResult> TextModel::predict(const std::vector<std::string>& texts, std::optional<double> threshold, Stages* stages) const {
  std::vector<TextResult> results(texts.size());
  std::vector<std::map<std::string, Letters>> read;
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    try {
      read.push_back(checked_texts(texts[i], *parts_->task));
      places.push_back(i);
    } catch (const BadText& error) {
      results[i].error = error.what();
    }
  }
  const std::vector<TextPrediction> found = parts_->predict(read, threshold, stages);
  for (std::size_t k = 0; k < found.size(); ++k) {
    TextResult& result = results[places[k]];
    result.records = found[k].records;
    result.truncated = found[k].truncated;
    result.error = found[k].error ? found[k].error->what() : found[k].not_finite.value_or("");
  }
  return results;
}

Records TextModel::predict(const std::string& text, std::optional<double> threshold) const {
  TextResult result = std::move(predict(std::vector<std::string>{text}, threshold)[0]);
  if (!result.error.empty()) throw DataError(result.error);
  return std::move(result.records);
}

}  // namespace kit
