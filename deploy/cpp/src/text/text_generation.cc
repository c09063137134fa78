// How probable a text is and how it goes on, as common/inference/tasks/text_generation.py has it.
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "tasks/task.h"
#include "text/text_task.h"

namespace kit {
namespace {

class TextGeneration : public TextTask {
 public:
  TextGeneration(std::vector<std::string> tokens, std::int64_t end, std::string joiner)
      : tokens_(std::move(tokens)), end_(end), joiner_(std::move(joiner)) {}

  std::vector<Records> records(const Tensors& outputs, const std::vector<TextSample>& samples, const std::vector<std::string>&,
                               double) const override {
    const Tensor &words = output_named("log_probs", outputs), &ids = output_named("ids", outputs);
    const Tensor &lengths = output_named("lengths", outputs), &scores = output_named("scores", outputs);
    const auto rows = static_cast<std::int64_t>(samples.size());
    if (words.shape.size() != 2 || ids.shape.size() != 3 || lengths.shape.size() != 2 || scores.shape != lengths.shape ||
        ids.shape[1] != lengths.shape[1] || words.shape[0] < rows || ids.shape[0] < rows || lengths.shape[0] < rows)
      throw EnvironmentProblem("the outputs log_probs, ids, lengths and scores are " + spelled(words) + ", " + spelled(ids) + ", " +
                               spelled(lengths) + " and " + spelled(scores) + ", not of one batch of texts");
    const auto other = outputs.find("backward_log_probs");  // of a model that reads a text from both ends
    const Tensor* back = other == outputs.end() ? nullptr : &other->second;
    if (back && back->shape != words.shape)
      throw EnvironmentProblem("the outputs log_probs and backward_log_probs are " + spelled(words) + " and " + spelled(*back) + ", not of one shape");
    const std::int64_t count = ids.shape[1], wide = ids.shape[2];
    std::vector<Records> found(samples.size());
    for (std::int64_t row = 0; row < rows; ++row) {
      const double total = sum_of(words, row);
      const auto read = std::max<std::int64_t>(1, samples[static_cast<std::size_t>(row)].length - 1);
      std::vector<double> about{rounded(total, 4), rounded(std::exp(-total / static_cast<double>(read)), 4)};
      if (back) about.push_back(rounded(std::exp(-sum_of(*back, row) / static_cast<double>(read)), 4));
      for (std::int64_t k = 0; k < count; ++k) {
        const std::int64_t at = row * count + k;
        if (lengths.data<std::int64_t>()[at] == 0) continue;
        Record record;
        record.text = text_of(ids.data<std::int64_t>() + at * wide, wide);
        record.score = rounded(static_cast<double>(scores.data<float>()[at]), 4);
        record.embedding = about;  // numbers of the text itself
        found[static_cast<std::size_t>(row)].push_back(std::move(record));
      }
    }
    return found;
  }

  std::string line(const std::map<std::string, Letters>& texts, const Records& records) const override {
    if (records.empty()) return "";
    char number[64];
    std::snprintf(number, sizeof number, "\tperplexity %.2f", records[0].embedding[1]);
    return encode_utf8(texts.at("text_a")) + " ... " + *records[0].text + number;
  }

  Json describe(const Record& record) const override {
    Json found{{"text", *record.text},
               {"score", record.score},
               {"log_probability", record.embedding[0]},
               {"perplexity", record.embedding[1]}};
    if (record.embedding.size() > 2) found["backward_perplexity"] = record.embedding[2];
    return found;
  }

 private:
  static double sum_of(const Tensor& words, std::int64_t row) {
    const std::int64_t steps = words.shape[1];
    double total = 0;
    for (std::int64_t k = 0; k < steps; ++k) total += static_cast<double>(words.data<float>()[row * steps + k]);
    return total;
  }

  std::string text_of(const std::int64_t* ids, std::int64_t wide) const {
    std::string text;
    for (std::int64_t k = 0; k < wide && ids[k] != end_; ++k) {
      if (ids[k] < 0 || ids[k] >= static_cast<std::int64_t>(tokens_.size()))
        throw DataError("word " + std::to_string(ids[k]) + " of a continuation is not among the " + std::to_string(tokens_.size()) + " of the vocabulary");
      if (k > 0) text += joiner_;
      text += tokens_[static_cast<std::size_t>(ids[k])];
    }
    return text;
  }

  std::vector<std::string> tokens_;
  std::int64_t end_;
  std::string joiner_;
};

}  // namespace

std::shared_ptr<const TextTask> make_text_generation(TextArguments& given) {
  const std::string file = given.file("vocab"), unknown = given.get("unknown", std::string("<unk>"));
  const auto added = given.get("added", std::vector<std::string>());
  const std::string end = given.get("end", std::string("<eos>")), joiner = given.get("joiner", std::string(" "));
  if (file.empty()) throw given.wrong("has no vocab");
  const Vocabulary words(file, unknown, added);
  return std::make_shared<TextGeneration>(words.tokens(), words.need(end), joiner);
}

}  // namespace kit
