#include "text/text_task.h"

namespace kit {
namespace {

const std::map<std::string, std::shared_ptr<const TextTask> (*)(TextArguments&)> tasks{
    {"ReadingComprehension", make_reading_comprehension},
    {"SequenceLabeling", make_sequence_labeling},
    {"TextClassification", make_text_classification},
    {"TextGeneration", make_text_generation},
    {"TextRegression", make_text_regression},
    {"TextToText", make_text_to_text}};

}  // namespace

std::map<std::string, Letters> TextTask::read_line(const Letters& line) const {
  if (stripped(line).find(U'\t') != Letters::npos) throw DataError("two texts with a tab between, but this model reads one text per line");
  return {{"text_a", line}};
}

bool is_text_task(const std::string& name) { return tasks.count(name) > 0; }

std::shared_ptr<const TextTask> make_text_task(const std::string& name, const YAML::Node& postprocess, const std::string& folder) {
  const auto found = tasks.find(name);
  if (found == tasks.end()) return nullptr;
  YAML::Node node = postprocess.IsMap() ? YAML::Clone(postprocess) : YAML::Node(YAML::NodeType::Map);
  node["type"] = name;
  TextArguments given(node, folder + "/infer.yml: postprocess", folder);
  auto task = found->second(given);
  given.finish();
  return task;
}

}  // namespace kit
