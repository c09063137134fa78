// Tokens [N, n, T] of texts that are written, in the words of a vocabulary or in SentencePiece's pieces.
#include <algorithm>

#include "tasks/task.h"
#include "text/text_task.h"

namespace kit {
namespace {

const std::string blank = "\xe2\x96\x81", unknown_sign = "\xe2\x81\x87";  // U+2581 and U+2047

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) text.replace(at, from.size(), to);
  return text;
}

std::string without_blanks_around(const std::string& text) {
  const std::size_t first = text.find_first_not_of(' ');
  return first == std::string::npos ? "" : text.substr(first, text.find_last_not_of(' ') - first + 1);
}

class TextToText : public TextTask {
 public:
  TextToText(std::vector<std::string> tokens, std::int64_t end, bool pieces, std::string joiner, bool pairs)
      : tokens_(std::move(tokens)), end_(end), pieces_(pieces), joiner_(std::move(joiner)), pairs_(pairs) {}

  std::map<std::string, Letters> read_line(const Letters& line) const override {
    const std::size_t tab = line.find(U'\t');
    if (!pairs_ || tab == Letters::npos) return TextTask::read_line(line);
    return {{"text_a", line.substr(0, tab)}, {"text_b", line.substr(tab + 1)}};
  }

  std::vector<Records> records(const Tensors& outputs, const std::vector<TextSample>& samples, const std::vector<std::string>&,
                               double) const override {
    const Tensor &ids = output_named("ids", outputs), &lengths = output_named("lengths", outputs), &scores = output_named("scores", outputs);
    const auto rows = static_cast<std::int64_t>(samples.size());
    if (ids.shape.size() != 3 || lengths.shape.size() != 2 || scores.shape != lengths.shape || ids.shape[1] != lengths.shape[1] ||
        ids.shape[0] < rows || lengths.shape[0] < rows)
      throw EnvironmentProblem("the outputs ids, lengths and scores are " + spelled(ids) + ", " + spelled(lengths) + " and " + spelled(scores) +
                               ", not of one batch of texts");
    const std::int64_t count = ids.shape[1], wide = ids.shape[2];
    std::vector<Records> found(samples.size());
    for (std::int64_t row = 0; row < rows; ++row)
      for (std::int64_t k = 0; k < count; ++k) {
        const std::int64_t at = row * count + k;
        if (lengths.data<std::int64_t>()[at] == 0) continue;
        Record record;
        record.text = text_of(ids.data<std::int64_t>() + at * wide, wide);
        record.score = rounded(static_cast<double>(scores.data<float>()[at]), 4);
        found[static_cast<std::size_t>(row)].push_back(std::move(record));
      }
    return found;
  }

  std::string line(const std::map<std::string, Letters>&, const Records& records) const override {
    return records.empty() ? "" : *records[0].text;
  }

  Json describe(const Record& record) const override { return {{"text", *record.text}, {"score", record.score}}; }

 private:
  std::string text_of(const std::int64_t* ids, std::int64_t wide) const {
    std::string text;
    for (std::int64_t k = 0; k < wide && ids[k] != end_; ++k) {
      if (ids[k] < 0 || ids[k] >= static_cast<std::int64_t>(tokens_.size()))
        throw DataError("token " + std::to_string(ids[k]) + " of a written text is not among the " + std::to_string(tokens_.size()) + " of the vocabulary");
      if (!pieces_ && k > 0) text += joiner_;
      text += tokens_[static_cast<std::size_t>(ids[k])];
    }
    return pieces_ ? without_blanks_around(replaced(text, blank, " ")) : text;
  }

  std::vector<std::string> tokens_;
  std::int64_t end_;
  bool pieces_;
  std::string joiner_;
  bool pairs_;
};

}  // namespace

std::shared_ptr<const TextTask> make_text_to_text(TextArguments& given) {
  const std::string model = given.file("model"), file = given.file("vocab"), unknown = given.get("unknown", std::string("<unk>"));
  const auto added = given.get("added", std::vector<std::string>());
  const std::string end = given.get("end", std::string("</s>")), joiner = given.get("joiner", std::string(" "));
  const bool pairs = given.get("pairs", false);
  if (model.empty() == file.empty()) throw given.wrong("has a model and a vocab, or none of them");
  if (model.empty()) {
    const Vocabulary words(file, unknown, added);
    return std::make_shared<TextToText>(words.tokens(), words.need(end), false, joiner, pairs);
  }
  const auto tokenizer = make_sentencepiece(model, "", false);
  const Vocabulary& pieces = tokenizer->vocabulary();
  std::vector<std::string> tokens = pieces.tokens();
  tokens.at(static_cast<std::size_t>(pieces.unknown())) = unknown_sign;
  return std::make_shared<TextToText>(std::move(tokens), pieces.need(end), true, joiner, pairs);
}

}  // namespace kit
