// What the outputs of a task of texts mean, as Task for images. A task is a file here and a row of the table in text_task.cc.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "json.h"
#include "text/pipeline.h"

namespace kit {

class TextTask {
 public:
  explicit TextTask(double threshold = 0) : threshold_(threshold) {}
  virtual ~TextTask() = default;
  double threshold() const { return threshold_; }
  // The texts of one line of input, here one text; raises DataError for a line of another form.
  virtual std::map<std::string, Letters> read_line(const Letters& line) const;
  // The column of texts in tables of a user, besides the usual names; empty for none.
  virtual std::string column() const { return ""; }
  virtual std::vector<Records> records(const Tensors& outputs, const std::vector<TextSample>& samples,
                                       const std::vector<std::string>& labels, double threshold) const = 0;
  // The predictions of a sample for people, and a record in JSON: those of Python's task of the same name.
  virtual std::string line(const std::map<std::string, Letters>& texts, const Records& records) const = 0;
  virtual Json describe(const Record& record) const = 0;

 private:
  double threshold_;
};

// The task of infer.yml; nullptr: this program has none of that name. Raises ConfigError for an argument that it does not know.
std::shared_ptr<const TextTask> make_text_task(const std::string& name, const YAML::Node& postprocess, const std::string& folder);
std::shared_ptr<const TextTask> make_text_classification(TextArguments& given);
std::shared_ptr<const TextTask> make_sequence_labeling(TextArguments& given);
std::shared_ptr<const TextTask> make_reading_comprehension(TextArguments& given);
std::shared_ptr<const TextTask> make_text_generation(TextArguments& given);
std::shared_ptr<const TextTask> make_text_regression(TextArguments& given);
std::shared_ptr<const TextTask> make_text_to_text(TextArguments& given);
bool is_text_task(const std::string& name);

}  // namespace kit
