// kit_infer: predictions for images, texts or tensors, by a model that tools/export.py wrote. `--help` shows the options.
#include <csignal>
#include <iostream>
#include <new>

#include "json.h"
#include "runner.h"

namespace {

int fail(const std::string& message, int code) {
  std::cout.flush();
  const bool marked = message.rfind("error", 0) == 0;
  std::cerr << (marked ? "" : "error: ") << kit::printable(message) << '\n';
  return code;
}

int infer(const kit::Arguments& given, const kit::Options& options) {
  if (!given.text.empty()) {
    kit::TextModel model(given.model, options);
    return kit::run_texts(model, given);
  }
  kit::Model model(given.model, options);
  if (given.golden) return kit::run_golden(model, given);
  if (!given.image.empty() && kit::tracks(model.about().task)) return kit::run_track(model, given);
  if (given.input.empty() && model.about().task == "OnlineTracking")
    throw kit::ConfigError("this model learns while it tracks, which tools/infer.py does; this program does not");
  if (!given.box.empty()) throw kit::ConfigError("--box is for models that track an object; the task of this one is " + model.about().task);
  return given.input.empty() ? kit::run_images(model, given) : kit::run_tensors(model, given);
}

int run(int count, char** words) {
  const auto given = kit::parse(count, words);
  if (!given) return 0;
  kit::Options options;
  options.engine = given->engine;
  options.threads = given->threads;
  options.workers = given->workers;
  return infer(*given, options);
}

}  // namespace

void kit::log_threshold(const About& about, double threshold, const Arguments& given) {
  if (!given.threshold && about.threshold_from.empty()) return;
  char number[64];
  std::snprintf(number, sizeof number, "%g", given.threshold.value_or(threshold));
  std::cerr << (about.task == "SemanticSegmentation" ? "pixel share" : "score") << " threshold " << number << ": "
            << printable(given.threshold ? "--threshold" : about.threshold_from + " (" + about.folder + "/infer.yml)") << '\n';
}

int main(int count, char** words) {
  std::ios::sync_with_stdio(false);
  // tied, they would flush the output from the threads that read lines or warn, while another one writes it
  std::cin.tie(nullptr);
  std::cerr.tie(nullptr);
  try {
    return run(count, words);
  } catch (const kit::Error& error) {
    return fail(error.what(), error.exit_code);
  } catch (const std::bad_alloc&) {
    return fail("the memory does not suffice\n  fix: a smaller --batch, fewer --workers, or smaller images", 4);
  } catch (const std::exception& error) {
    return fail(std::string("this is a fault of the program: ") + error.what(), 1);
  }
}
