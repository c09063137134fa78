#include "text/pipeline.h"

#include <algorithm>
#include <filesystem>

#include "files.h"

namespace kit {
namespace {

constexpr std::size_t line_limit = 300;

std::string in_one_line(const std::string& text) {
  Letters line;
  for (const Letters& word : split_words(decode_utf8(text))) line += (line.empty() ? U"" : U" ") + word;
  if (line.size() > line_limit) line = line.substr(0, line_limit - 3) + U"...";
  return encode_utf8(line);
}

std::string name_of_type(const YAML::Node& node, const std::string& place) {
  if (!node.IsMap() || !node["type"]) throw ConfigError(place + " has an entry without a type");
  return node["type"].as<std::string>();
}

}  // namespace

BadText::BadText(std::string code, std::string message, std::string value)
    : DataError("error[" + code + "] " + message), code(std::move(code)), message(std::move(message)), value(std::move(value)) {}

std::string BadText::line(const std::string& file, const std::string& place) const {
  return in_one_line("error[" + code + "] " + file + ": " + place + ": " + message + (value.empty() ? "" : " (" + value + ")"));
}

const Letters& TextSample::text(const std::string& key) const {
  const auto found = texts.find(key);
  if (found == texts.end()) throw EnvironmentProblem("the pre-processing of infer.yml reads '" + key + "', which its task does not give");
  return found->second;
}

bool TextSample::truncated() const {
  return std::any_of(coverage.begin(), coverage.end(), [](const Coverage& field) { return field.cut > 0; });
}

Tensor int64_tensor(const std::vector<std::int64_t>& values, std::vector<std::int64_t> shape) {
  Tensor tensor = Tensor::of(DType::int64, std::move(shape));
  std::copy(values.begin(), values.end(), tensor.data<std::int64_t>());
  return tensor;
}

TextArguments::TextArguments(const YAML::Node& node, std::string place, std::string folder)
    : NodeArguments(name_of_type(node, place), node, place), folder_(std::move(folder)) {}

std::string TextArguments::file(const std::string& name) {
  const std::string inside = get(name, std::string());
  if (inside.empty()) return "";
  if (std::filesystem::path(inside).filename() != inside) throw wrong("names '" + inside + "', which is outside of the folder");
  return (std::filesystem::path(folder_) / inside).string();
}

int TextArguments::whole(const std::string& name, int otherwise, int least) {
  const int value = get(name, otherwise);
  if (value < least) throw wrong("has " + name + " " + std::to_string(value) + "; allowed: " + std::to_string(least) + " or more");
  return value;
}

TextPipeline::TextPipeline(const YAML::Node& transforms, const std::string& folder) {
  const std::string place = folder + "/infer.yml: preprocess";
  for (const auto& node : transforms) {
    TextArguments given(node, place, folder);
    std::vector<std::string> known;
    AddTransform add = nullptr;
    for (const auto* group : {&split_transforms(), &subword_transforms(), &sequence_transforms(), &several_transforms()})
      for (const auto& [name, function] : *group) {
        known.push_back(name);
        if (name == given.type) add = function;
      }
    if (add == nullptr)
      throw ConfigError(place + ": this program has no transform of texts '" + given.type + "'" + did_you_mean(given.type, known));
    add(given, steps_, batch_steps_);
    given.finish();
  }
}

void TextPipeline::prepare(TextSample& sample) const {
  for (const auto& step : steps_) step(sample);
}

void TextPipeline::pad(std::vector<TextSample>& samples) const {
  for (const auto& step : batch_steps_) step(samples);
}

}  // namespace kit
