// A number of each text or pair of texts, as common/inference/tasks/text_regression.py has it.
#include <cstdio>

#include "tasks/task.h"
#include "text/text_task.h"

namespace kit {
namespace {

class TextRegression : public TextTask {
 public:
  explicit TextRegression(std::string column) : column_(std::move(column)) {}

  std::map<std::string, Letters> read_line(const Letters& line) const override {
    const std::size_t tab = line.find(U'\t');
    if (tab == Letters::npos) return {{"text_a", line}};
    return {{"text_a", line.substr(0, tab)}, {"text_b", line.substr(tab + 1)}};
  }

  std::string column() const override { return column_; }

  std::vector<Records> records(const Tensors& outputs, const std::vector<TextSample>& samples, const std::vector<std::string>&,
                               double) const override {
    const Tensor& values = output_named("value", outputs);
    if (values.shape.empty() || values.shape[0] < static_cast<std::int64_t>(samples.size()))
      throw EnvironmentProblem("the output value is " + spelled(values) + ", not a number of each text");
    std::vector<Records> found(samples.size());
    for (std::size_t row = 0; row < samples.size(); ++row) {
      Record record;
      record.score = rounded(static_cast<double>(values.data<float>()[row]), 4);
      found[row].push_back(std::move(record));
    }
    return found;
  }

  std::string line(const std::map<std::string, Letters>& texts, const Records& records) const override {
    if (records.empty()) return "";
    char value[64];
    std::snprintf(value, sizeof value, "%.4f", records[0].score);
    std::string line = value;
    for (const char* key : {"text_a", "text_b"})
      if (const auto text = texts.find(key); text != texts.end()) line += "\t" + encode_utf8(text->second);
    return line;
  }

  Json describe(const Record& record) const override { return {{"value", record.score}}; }

 private:
  std::string column_;
};

}  // namespace

std::shared_ptr<const TextTask> make_text_regression(TextArguments& given) {
  return std::make_shared<TextRegression>(given.get("column", std::string()));
}

}  // namespace kit
