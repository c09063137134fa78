// Scores of starts and ends [N, W, T]: the spans of a text that answer a question best, of all its windows.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <numeric>

#include "tasks/task.h"
#include "text/text_task.h"
#include "text/text_source.h"

namespace kit {
namespace {

class ReadingComprehension : public TextTask {
 public:
  ReadingComprehension(std::size_t max_answer, std::size_t n_best, std::optional<double> null_threshold)
      : max_answer_(max_answer), n_best_(n_best), null_threshold_(null_threshold) {}

  std::map<std::string, Letters> read_line(const Letters& line) const override {
    Letters question, context;
    if (const Letters text = left_stripped(line); !text.empty() && text[0] == '{') {
      const Json row = parse_object(line);
      const auto is_text = [&](const char* key) { return row.is_object() && row.contains(key) && row[key].is_string(); };
      if (!is_text("question") || !is_text("context"))
        throw DataError("a line of JSON has the keys \"question\" and \"context\", both strings");
      question = decode_utf8(row["question"].get<std::string>()), context = decode_utf8(row["context"].get<std::string>());
    } else {
      const std::size_t tab = line.find(U'\t');
      if (tab == Letters::npos) throw DataError("a line is a question, a tab, and the text that may answer it");
      question = line.substr(0, tab), context = line.substr(tab + 1);
    }
    if (stripped(question).empty()) throw DataError("the question is empty");
    if (stripped(context).empty()) throw DataError("the text is empty");
    return {{"question", question}, {"context", context}};
  }

  std::vector<Records> records(const Tensors& outputs, const std::vector<TextSample>& samples, const std::vector<std::string>&,
                               double) const override {
    const Tensor &start = output_named("start_scores", outputs), &end = output_named("end_scores", outputs);
    if (start.shape.size() != 3 || start.shape != end.shape || start.dtype != DType::float32 || end.dtype != DType::float32)
      throw EnvironmentProblem("the model gives scores of " + spelled(start) + " and " + spelled(end) + "; its task reads float32[N, W, T]");
    std::vector<Records> found;
    const std::int64_t size = start.shape[1] * start.shape[2];
    for (std::size_t n = 0; n < samples.size() && n < static_cast<std::size_t>(start.shape[0]); ++n) {
      const std::int64_t from = static_cast<std::int64_t>(n) * size;
      found.push_back(answers(start.data<float>() + from, end.data<float>() + from, start.shape[1], start.shape[2], samples[n]));
    }
    return found;
  }

  std::string line(const std::map<std::string, Letters>&, const Records& records) const override {
    if (records.empty()) return "";
    char score[64];
    std::snprintf(score, sizeof score, "\t%.4f", records[0].score);
    return *records[0].text + score;
  }

  Json describe(const Record& record) const override {
    return {{"text", *record.text}, {"start", record.start}, {"end", record.end}, {"score", record.score}};
  }

 private:
  struct Answer {
    int start, end;
    double score;
  };

  Records answers(const float* starts, const float* ends, std::int64_t windows, std::int64_t wide, const TextSample& sample) const {
    std::vector<Answer> found;  // each span once, in the order in which it is met first
    std::map<std::pair<int, int>, std::size_t> places;
    double null = std::numeric_limits<double>::infinity();
    for (std::size_t w = 0; w < sample.windows.size() && w < static_cast<std::size_t>(windows); ++w) {
      const float *first = starts + static_cast<std::int64_t>(w) * wide, *last = ends + static_cast<std::int64_t>(w) * wide;
      const std::vector<Span>& spots = sample.windows[w];
      null = std::min(null, static_cast<double>(first[0] + last[0]));
      const std::vector<std::size_t> begins = best_of(first, spots), finishes = best_of(last, spots);
      for (const std::size_t a : begins)
        for (const std::size_t b : finishes) {
          if (b < a || b >= a + max_answer_) continue;
          const double score = first[a] + last[b];
          const auto [place, fresh] = places.emplace(std::make_pair(spots[a].first, spots[b].end), found.size());
          if (fresh)
            found.push_back({spots[a].first, spots[b].end, score});
          else
            found[place->second].score = std::max(found[place->second].score, score);
        }
    }
    std::stable_sort(found.begin(), found.end(), [](const Answer& a, const Answer& b) { return a.score > b.score; });
    if (found.size() > n_best_) found.resize(n_best_);
    Records records;
    for (const Answer& answer : found) records.push_back(record_of(answer, sample.text("context")));
    if (records.empty() || (null_threshold_ && null - records[0].score > *null_threshold_))
      records.insert(records.begin(), record_of({0, 0, null}, sample.text("context")));
    return records;
  }

  // The pieces of the context that score most, the best first.
  std::vector<std::size_t> best_of(const float* scores, const std::vector<Span>& spots) const {
    std::vector<std::size_t> order;
    for (std::size_t k = 0; k < spots.size(); ++k)
      if (spots[k].first >= 0) order.push_back(k);
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return scores[a] > scores[b]; });
    if (order.size() > n_best_) order.resize(n_best_);
    return order;
  }

  static Record record_of(const Answer& answer, const Letters& context) {
    Record record;
    record.start = answer.start, record.end = answer.end;
    record.score = rounded(answer.score, 4);
    record.text = answer.end > answer.start
                      ? encode_utf8(context.substr(static_cast<std::size_t>(answer.start), static_cast<std::size_t>(answer.end - answer.start)))
                      : "";
    return record;
  }

  std::size_t max_answer_, n_best_;
  std::optional<double> null_threshold_;
};

}  // namespace

std::shared_ptr<const TextTask> make_reading_comprehension(TextArguments& given) {
  const int max_answer = given.whole("max_answer", 30, 1), n_best = given.whole("n_best", 20, 1);
  const double threshold = given.get("null_threshold", 0.0);
  return std::make_shared<ReadingComprehension>(static_cast<std::size_t>(max_answer), static_cast<std::size_t>(n_best),
                                                given.given("null_threshold") ? std::optional<double>(threshold) : std::nullopt);
}

}  // namespace kit
