#include <cmath>
#include <iostream>
#include <map>

#include "in_order.h"
#include "json.h"
#include "latency.h"
#include "runner.h"
#include "text/text_model.h"
#include "text/text_source.h"

namespace kit {
namespace {

constexpr int usual_batch = 32;  // as in tools/infer.py
constexpr double unknown_share = 0.2, cut_share = 0.01;  // above which the summary is a warning

// Lines in the order of the source, and what is predicted of those that are neither blank nor wrong.
struct TextBatch {
  std::vector<TextLine> lines;
  std::vector<std::string> notes;
  std::vector<TextPrediction> predictions;  // a place for every line
};

struct Sums {
  std::size_t texts = 0, tokens = 0, unknown = 0, cut_texts = 0, cut = 0;
};

std::string counted(std::size_t number, const std::string& noun) {
  return std::to_string(number) + " " + noun + (number == 1 ? "" : "s");
}

class TextRun {
 public:
  TextRun(TextModel& model, const Arguments& given) : given_(given), task_(*model.parts().task) {
    models_.push_back(&model);
    for (int i = 1; i < given.workers; ++i) clones_.push_back(model.clone());
    for (TextModel& clone : clones_) models_.push_back(&clone);
    const About& about = model.model().about();
    size_ = static_cast<std::size_t>(about.fixed_batch().value_or(given.batch == 0 ? usual_batch : given.batch));
    log_threshold(about, model.threshold(), given);
  }

  int predictions() {
    TextSource source(given_.text, task_, models_[0]->model().about().labels);
    name_ = source.name();
    in_order(
        models_.size(), [&] { return batch_of(source); },
        [&](std::size_t worker, TextBatch batch) { return predicted(*models_[worker], std::move(batch)); },
        [&](TextBatch& batch) { show(batch); });
    report_coverage();
    if (good_ + bad_ == 0) throw DataError(name_ + ": no text was found");
    if (bad_ > 0) std::cerr << "error: " << printable(name_) << ": " << bad_ << " of " << bad_ + good_ << " texts could not be read\n";
    return bad_ > 0 ? 3 : 0;
  }

  // Runs all texts of a file `repeat` times, without reading it again.
  void measure() {
    TextSource source(given_.text, task_, models_[0]->model().about().labels);
    std::vector<std::map<std::string, Letters>> texts;
    while (const auto line = source.next())
      if (!line->blank && !line->error) texts.push_back(line->texts);
    const std::size_t own = texts.size();
    while (texts.size() < size_) texts.push_back(texts[texts.size() % own]);
    const std::size_t batches = (texts.size() + size_ - 1) / size_;
    const auto run = [&](std::size_t worker, std::size_t index, Latency& latency) {
      const auto began = Clock::now();
      const std::size_t first = index % batches * size_, last = std::min(first + size_, texts.size());
      const auto at = [&](std::size_t i) { return texts.begin() + static_cast<std::ptrdiff_t>(i); };
      Stages stages;
      models_[worker]->parts().predict({at(first), at(last)}, given_.threshold, &stages);
      latency.add("tokenize", 1000 * stages.preprocess);
      latency.add("run", 1000 * stages.run);
      latency.add("postprocess", 1000 * stages.postprocess);
      latency.add("total", milliseconds_since(began));
    };
    Latency unmeasured;
    for (std::size_t worker = 0; worker < models_.size(); ++worker)
      for (int i = 0; i < given_.warmup; ++i) run(worker, static_cast<std::size_t>(i), unmeasured);
    const Measured measured = measure_batches(models_.size(), batches * static_cast<std::size_t>(given_.repeat), run);
    const double count = static_cast<double>(texts.size()) * given_.repeat;
    measured.report(count, "texts", models_[0]->model().engine(), size_, models_.size(), given_.json);
  }

 private:
  std::optional<TextBatch> batch_of(TextSource& source) {
    TextBatch batch;
    while (batch.lines.size() < size_) {
      auto line = source.next();
      if (!line) break;
      batch.lines.push_back(std::move(*line));
    }
    for (; noted_ < source.notes().size(); ++noted_) batch.notes.push_back(source.notes()[noted_]);
    if (batch.lines.empty()) return {};
    return batch;
  }

  TextBatch predicted(const TextModel& model, TextBatch batch) const {
    std::vector<std::map<std::string, Letters>> texts;
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < batch.lines.size(); ++i)
      if (!batch.lines[i].blank && !batch.lines[i].error) {
        texts.push_back(batch.lines[i].texts);
        places.push_back(i);
      }
    batch.predictions.resize(batch.lines.size());
    std::vector<TextPrediction> found = model.parts().predict(texts, given_.threshold);
    for (std::size_t k = 0; k < found.size(); ++k) batch.predictions[places[k]] = std::move(found[k]);
    return batch;
  }

  void show(const TextBatch& batch) {
    for (const std::string& note : batch.notes) std::cerr << printable(note) << '\n';
    for (std::size_t i = 0; i < batch.lines.size(); ++i) {
      const TextLine& line = batch.lines[i];
      const TextPrediction& found = batch.predictions[i];
      const std::optional<BadText>& error = line.error ? line.error : found.error;
      if (found.not_finite) {
        std::cerr << printable(*found.not_finite) << "\n  " << printable(name_ + ": " + line.place) << '\n';
        ++bad_;
      } else if (error) {
        const std::string text = error->line(name_, line.place);
        std::cerr << printable(text) << '\n';
        const std::string place = line.place.substr(0, line.place.find(','));  // without the byte
        if (given_.json) std::cout << python_json({{"file", name_}, {"place", place}, {"error", text}});
        std::cout << '\n';
        ++bad_;
      } else {
        std::cout << printable(given_.json ? described(line, found) : task_.line(line.texts, found.records)) << '\n';
        for (const Coverage& field : found.coverage) add(field);
        ++good_;
      }
    }
    std::cout.flush();
  }

  std::string described(const TextLine& line, const TextPrediction& found) const {
    Json object = Json::object();
    for (const char* key : {"text_a", "text_b", "question", "context"})
      if (const auto text = line.texts.find(key); text != line.texts.end()) object[key] = encode_utf8(text->second);
    object["predictions"] = Json::array();
    for (const Record& record : found.records) object["predictions"].push_back(task_.describe(record));
    if (found.truncated) object["truncated"] = true;
    return python_json(object);
  }

  void add(const Coverage& field) {
    if (sums_.count(field.field) == 0) fields_.push_back(field.field);
    Sums& sums = sums_[field.field];
    ++sums.texts;
    sums.tokens += field.tokens, sums.unknown += field.unknown, sums.cut += field.cut;
    sums.cut_texts += field.cut > 0;
  }

  // How much of the texts was read, in one line, which is a warning where much is unknown or cut.
  void report_coverage() const {
    std::string line;
    bool warning = false;
    for (const std::string& field : fields_) {
      const Sums& sums = sums_.at(field);
      const double kept = static_cast<double>(sums.tokens - sums.cut), unknown = static_cast<double>(sums.unknown);
      warning = warning || unknown > unknown_share * kept || static_cast<double>(sums.cut_texts) > cut_share * static_cast<double>(sums.texts);
      char share[64];
      std::snprintf(share, sizeof share, ", %.1f%% unknown", 100 * unknown / std::max(1.0, kept));
      line += (line.empty() ? "" : "; ") + field + ": " + counted(sums.texts, "text") + ", " + counted(sums.tokens, "token") + share;
      line += sums.cut_texts > 0 ? ", " + std::to_string(sums.cut_texts) + " cut by " + counted(sums.cut, "token") : ", none cut";
    }
    if (!line.empty()) std::cerr << (warning ? "warning: " : "") << printable(name_ + ": " + line) << '\n';
  }

  const Arguments& given_;
  const TextTask& task_;
  std::vector<TextModel> clones_;
  std::vector<TextModel*> models_;
  std::size_t size_ = 1, noted_ = 0, good_ = 0, bad_ = 0;
  std::string name_;
  std::vector<std::string> fields_;
  std::map<std::string, Sums> sums_;
};

}  // namespace

int run_texts(TextModel& model, const Arguments& given) {
  TextRun run(model, given);
  const int code = run.predictions();
  if (given.repeat > 0 && code == 0) run.measure();
  return code;
}

}  // namespace kit
