// Scores [N, C]: the best classes of each text or pair of texts; the best one stays, however little it scores.
#include <cstdio>

#include "tasks/best_classes.h"
#include "tasks/task.h"
#include "text/text_task.h"

namespace kit {
namespace {

class TextClassification : public TextTask {
 public:
  TextClassification(const BestClasses& best, double threshold, std::string column)
      : TextTask(threshold), best_(best), column_(std::move(column)) {}

  std::map<std::string, Letters> read_line(const Letters& line) const override {
    const std::size_t tab = line.find(U'\t');
    if (tab == Letters::npos) return {{"text_a", line}};
    return {{"text_a", line.substr(0, tab)}, {"text_b", line.substr(tab + 1)}};
  }

  std::string column() const override { return column_; }

  std::vector<Records> records(const Tensors& outputs, const std::vector<TextSample>&, const std::vector<std::string>& labels,
                               double threshold) const override {
    return best_.records(output_named("scores", outputs), labels, threshold);
  }

  std::string line(const std::map<std::string, Letters>& texts, const Records& records) const override {
    if (records.empty()) return "";
    char score[64];
    std::snprintf(score, sizeof score, "\t%.4f", records[0].score);
    std::string line = records[0].label + score;
    for (const char* key : {"text_a", "text_b"})
      if (const auto text = texts.find(key); text != texts.end()) line += "\t" + encode_utf8(text->second);
    return line;
  }

  Json describe(const Record& record) const override {
    return {{"label", record.label}, {"category_id", record.category_id}, {"score", record.score}};
  }

 private:
  BestClasses best_;
  std::string column_;
};

}  // namespace

std::shared_ptr<const TextTask> make_text_classification(TextArguments& given) {
  BestClasses best = BestClasses::from(given);
  best.keep_best = true;
  const double threshold = given.get("threshold", 0.5);
  return std::make_shared<TextClassification>(best, threshold, given.get("column", std::string()));
}

}  // namespace kit
