#include <algorithm>
#include <exception>
#include <iostream>
#include <map>

#include "boxes.h"
#include "in_order.h"
#include "json.h"
#include "latency.h"
#include "runner.h"
#include "source.h"

namespace kit {
namespace {

// One batch on its way: images that decode, their records, and why others do not.
struct Batch {
  std::vector<const ImageFile*> files;
  std::vector<Image> images;
  std::vector<Records> records;
  std::vector<std::string> problems;
  std::exception_ptr failure;
};

constexpr std::size_t shown = 4;  // numbers of an embedding

Json json_of(const Record& record) {
  if (record.text) return {{"text", *record.text}, {"score", record.score}};
  if (!record.embedding.empty()) return {{"embedding", record.embedding}};
  Json entry = {{"label", record.label}, {"category_id", record.category_id}};
  if (record.share)
    entry["share"] = *record.share;
  else
    entry["score"] = record.score;
  if (!record.box.empty()) entry["box"] = record.box;
  for (const Keypoint& point : record.keypoints)
    entry["keypoints"].push_back({{"name", point.name}, {"x", point.x}, {"y", point.y}, {"score", point.score}});
  if (record.mask) entry["mask"] = {{"size", {record.mask->height, record.mask->width}}, {"counts", record.mask->counts}};
  return entry;
}

void show(const std::string& name, const Records& records, bool as_json) {
  if (as_json) {
    Json all = Json::array();
    for (const Record& record : records) all.push_back(json_of(record));
    std::cout << printable(python_json({{"image", name}, {"predictions", all}})) << '\n';
    return;
  }
  char number[64];
  if (!records.empty() && !records[0].embedding.empty()) {
    const std::vector<double>& vector = records[0].embedding;
    std::cout << printable(name) << ": " << vector.size() << " numbers,";
    for (std::size_t i = 0; i < std::min(shown, vector.size()); ++i) {
      std::snprintf(number, sizeof number, " %.4f", vector[i]);
      std::cout << number;
    }
    std::cout << (vector.size() > shown ? " ...\n" : "\n");
    return;
  }
  if (!records.empty() && records[0].share) {
    std::cout << printable(name) << ": " << records.size() << " classes\n";
  } else if (records.empty() || !records[0].box.empty()) {
    std::cout << printable(name) << ": " << records.size() << " found\n";
  } else {
    std::snprintf(number, sizeof number, " %.3f\n", records[0].score);
    std::cout << printable(name + ": " + records[0].label) << number;
    if (records[0].text) return;
  }
  for (const Record& record : records) {
    std::snprintf(number, sizeof number, " %.3f", record.share.value_or(record.score));
    std::cout << "  " << printable(record.label) << number;
    for (std::size_t i = 0; i < record.box.size(); ++i) {
      std::snprintf(number, sizeof number, "%s%.1f", i ? ", " : " [", record.box[i]);
      std::cout << number;
    }
    std::cout << (record.box.empty() ? "\n" : "]\n");
  }
}

// `error[D102] the file ends early ... file` in one line.
std::string one_line(const std::string& message) {
  std::string line;
  for (char letter : message)
    if (letter == '\n')
      line += " |";
    else
      line += letter;
  return line;
}

class ImageRun {
 public:
  ImageRun(Model& model, const Arguments& given)
      : given_(given), source_(open_source(given.image)), size_(static_cast<std::size_t>(model.about().fixed_batch().value_or(std::max(given.batch, 1)))) {
    models_.push_back(&model);
    for (int i = 1; i < given.workers; ++i) clones_.push_back(model.clone());
    for (Model& clone : clones_) models_.push_back(&clone);
    if (!given.out.empty()) drawing_.emplace(given.out, source_);
    if (!given.boxes.empty()) choose_boxes(model);
  }

  int predictions() {
    std::size_t taken = 0;
    const auto next = [&] { return taken < batches() ? std::optional<std::size_t>(taken++) : std::nullopt; };
    const auto work = [&](std::size_t worker, std::size_t index) { return predict(*models_[worker], index, nullptr); };
    in_order(models_.size(), next, work, [&](Batch& batch) {
      if (batch.failure) std::rethrow_exception(batch.failure);
      for (const std::string& problem : batch.problems) {
        if (!source_.many) throw DataError(problem);
        std::cerr << printable(one_line(problem)) << '\n';
      }
      bad_ += batch.problems.size();
      for (std::size_t i = 0; i < batch.files.size(); ++i, ++good_) {
        show(batch.files[i]->name, batch.records[i], given_.json);
        if (drawing_) drawing_->add(*batch.files[i], models_[0]->draw(batch.images[i], batch.records[i]));
      }
      std::cout.flush();
    });
    if (good_ + bad_ == 0) throw DataError(source_.name + ": no image was found");
    if (bad_ > 0)
      std::cerr << "error: " << source_.name << ": " << bad_ << " of " << bad_ + good_ << " images could not be read\n";
    return bad_ > 0 ? 3 : 0;
  }

  // Runs all images `repeat` times; files are read before, so that stages are decode, preprocess, run, postprocess.
  void measure() {
    for (ImageFile& file : source_.images) file.bytes = file.content(), file.path.clear();
    while (source_.images.size() < size_) source_.images.push_back(source_.images[source_.images.size() % count_]);
    for (int i = 0; i < given_.warmup; ++i)
      for (Model* model : models_) predict(*model, 0, nullptr);
    const std::size_t rounds = batches() * static_cast<std::size_t>(given_.repeat);
    const Measured measured = measure_batches(models_.size(), rounds, [&](std::size_t worker, std::size_t i, Latency& latency) {
      if (const auto failure = predict(*models_[worker], i, &latency).failure) std::rethrow_exception(failure);
    });
    const double count = static_cast<double>(source_.images.size()) * given_.repeat;  // the last batch may be smaller
    measured.report(count, "images", models_[0]->engine(), size_, models_.size(), given_.json);
  }

 private:
  std::size_t batches() const { return (source_.images.size() + size_ - 1) / size_; }

  // Batch number `index` of all; those beyond the last start again from the first.
  Batch predict(const Model& model, std::size_t index, Latency* latency) const {
    Batch batch;
    const auto began = Clock::now();
    const std::size_t first = index % batches() * size_;
    try {
      for (std::size_t i = first; i < std::min(first + size_, source_.images.size()); ++i) {
        const ImageFile& file = source_.images[i];
        try {
          batch.images.push_back(file.path.empty() ? model.decode(file.bytes, file.name == "stdin.png" ? "standard input" : file.name)
                                                      : model.decode(file.content(), file.path));
          batch.files.push_back(&file);
        } catch (const DataError& error) {
          batch.problems.emplace_back(error.what());
        }
      }
      const double decoded = milliseconds_since(began);
      Stages stages;
      try {
        if (boxes_)
          in_boxes(batch, model);
        else if (!batch.images.empty())
          batch.records = model.predict(batch.images, given_.threshold, &stages);
      } catch (const DataError&) {  // of one of them
        one_by_one(batch, model);
      }
      if (latency != nullptr) {
        latency->add("decode", decoded);
        latency->add("preprocess", 1000 * stages.preprocess);
        latency->add("run", 1000 * stages.run);
        latency->add("postprocess", 1000 * stages.postprocess);
        latency->add("total", milliseconds_since(began));
      }
    } catch (...) {
      batch.failure = std::current_exception();
    }
    return batch;
  }

  void in_boxes(Batch& batch, const Model& model) const {
    for (std::size_t i = 0; i < batch.images.size(); ++i)
      batch.records.push_back(model.predict(batch.images[i], boxes_->at(batch.files[i]->name), given_.threshold));
  }

  // Predicts each image of a batch by itself; those that are refused become problems.
  void one_by_one(Batch& batch, const Model& model) const {
    Batch found;
    found.problems = std::move(batch.problems);
    for (std::size_t i = 0; i < batch.images.size(); ++i) {
      try {
        found.records.push_back(boxes_ ? model.predict(batch.images[i], boxes_->at(batch.files[i]->name), given_.threshold)
                                       : model.predict(batch.images[i], given_.threshold));
        found.images.push_back(std::move(batch.images[i]));
        found.files.push_back(batch.files[i]);
      } catch (const DataError& error) {
        found.problems.push_back(error.what() + ("\n  " + (boxes_ ? given_.boxes + ": " : "") + batch.files[i]->name));
      }
    }
    batch = std::move(found);
  }

  // Reads the boxes; images that the file does not name have none.
  void choose_boxes(const Model& model) {
    if (!model.takes_boxes()) throw ConfigError("--boxes is for models of keypoints; the task of this one is " + model.about().task);
    boxes_ = read_boxes(given_.boxes);
    std::size_t missing = 0;
    for (const ImageFile& file : source_.images) missing += boxes_->try_emplace(file.name).second;
    if (missing == source_.images.size() && missing > 0)
      throw DataError("error[D116] " + given_.boxes + ": names none of these images\n  fix: run the detector with the same --image");
    if (missing > 0)
      std::cerr << "warning: " << given_.boxes << ": " << missing << " of " << source_.images.size() << " images are not named; nobody is sought there\n";
  }

  const Arguments& given_;
  Source source_;
  std::size_t size_, good_ = 0, bad_ = 0;
  std::size_t count_ = source_.images.size();
  std::vector<Model> clones_;
  std::vector<Model*> models_;
  std::optional<Drawing> drawing_;
  std::optional<std::map<std::string, Records>> boxes_;  // of each image, where they are given
};

}  // namespace

int run_images(Model& model, const Arguments& given) {
  ImageRun run(model, given);
  log_threshold(model.about(), model.threshold(), given);
  const int code = run.predictions();
  if (given.repeat > 0 && code == 0) run.measure();
  return code;
}

}  // namespace kit
