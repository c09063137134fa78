#include "arguments.h"

#include <CLI/CLI.hpp>
#include <iostream>

#include "files.h"

namespace kit {
namespace {

const char* const examples = R"(examples:
  kit_infer --model output/yolov3/export --image street.jpg --json
  kit_infer --model output/yolov3/export --image images/   --out drawn --workers 2 --threads 1
  cat street.jpg | kit_infer --model output/yolov3/export --image - --json
  kit_infer --model output/yolov3/export --image street.jpg --batch 8 --repeat 100      # how fast
  kit_infer --model output/siamrpn/export --image frames/ --box 120,80,40,60 --json
  kit_infer --model output/lac/export    --text texts.txt                               # one text per line; - is standard input
  kit_infer --model output/mine/export --input in.npz --output out.npz                  # any model
  kit_infer --model output/yolov3/export --golden                                       # are its outputs those of the export?)";

void refuse_unknown(const CLI::App& app, int count, char** words) {
  std::vector<std::string> known;
  for (const CLI::Option* option : app.get_options())
    for (const std::string& name : option->get_lnames()) known.push_back("--" + name);
  for (int i = 1; i < count; ++i) {
    const std::string word = words[i], name = word.substr(0, word.find('='));
    if (word.rfind("--", 0) == 0 && word.size() > 2 && std::count(known.begin(), known.end(), name) == 0)
      throw ConfigError("kit_infer: there is no option " + name + did_you_mean(name, known));
  }
}

void check_range(const char* name, bool right, const std::string& value, const char* allowed) {
  if (!right) throw ConfigError(std::string("--") + name + " is " + value + "; allowed: " + allowed);
}

void check(const Arguments& given, bool chosen_batch) {
  const bool samples = !given.image.empty() || !given.text.empty();
  const int tasks = !given.image.empty() + !given.text.empty() + !given.input.empty() + given.golden;
  if (tasks != 1) throw ConfigError("kit_infer takes one of --image PATH, --text FILE, --input FILE and --golden");
  if (!given.output.empty() && given.input.empty()) throw ConfigError("--output goes with --input; drawn images go to --out");
  if (!given.out.empty() && given.image.empty()) throw ConfigError("--out goes with --image");
  if (!given.boxes.empty() && (given.image.empty() || given.repeat > 0)) throw ConfigError("--boxes goes with --image, without --repeat");
  if (!given.box.empty() && (given.image.empty() || given.repeat > 0)) throw ConfigError("--box goes with --image, without --repeat");
  if (!samples && (given.threshold || given.batch != 0 || given.workers != 1))
    throw ConfigError("--threshold, --batch and --workers go with --image and --text");
  if (given.text == "-" && given.repeat > 0) throw ConfigError("--repeat goes with --text FILE; standard input is read once");
  if (given.json && !given.input.empty() && given.repeat == 0) throw ConfigError("--json goes with --image, --text, --golden or --repeat");
  check_range("threads", given.threads >= 0 && given.threads <= 1024, std::to_string(given.threads), "0 to 1024");
  check_range("workers", given.workers >= 1 && given.workers <= 256, std::to_string(given.workers), "1 to 256");
  check_range("batch", given.batch >= (chosen_batch ? 1 : 0) && given.batch <= 65536, std::to_string(given.batch), "1 to 65536");
  check_range("repeat", given.repeat >= 0, std::to_string(given.repeat), "0 or more");
  check_range("warmup", given.warmup >= 0, std::to_string(given.warmup), "0 or more");
  if (given.threshold) check_range("threshold", *given.threshold >= 0 && *given.threshold <= 1, std::to_string(*given.threshold), "0 to 1");
  if (given.engine != "auto" && given.engine != "paddle" && given.engine != "openvino")
    throw ConfigError("--engine " + given.engine + ": there is no such engine" +
                      did_you_mean(given.engine, {"auto", "paddle", "openvino"}) + " (auto, paddle, openvino)");
}

}  // namespace

std::optional<Arguments> parse(int count, char** words) {
  Arguments given;
  CLI::App app("Predictions for images, texts or tensors, by a model that tools/export.py wrote.", "kit_infer");
  app.footer(examples);
  app.add_option("--model", given.model, "the exported folder")->required()->type_name("DIR");
  app.add_option("--image", given.image, "an image, a folder, or - for standard input (an image, or one path a line)")->type_name("PATH");
  app.add_option("--text", given.text, "a file of texts, one per line as for tools/infer.py, or - for standard input")->type_name("FILE");
  app.add_option("--boxes", given.boxes, "for keypoints: what a detector found in these images, as --json writes it")->type_name("FILE");
  app.add_option("--box", given.box, "for trackers: where the object is in the first frame; --image is a folder of frames")->type_name("X,Y,W,H");
  app.add_option("--input", given.input, "tensors: .npz by the names of infer.yml, or .npy for a model of one input")->type_name("FILE");
  app.add_option("--output", given.output, "where the outputs for --input go, .npz, or .npy for a model of one output")->type_name("FILE");
  app.add_flag("--golden", given.golden, "run the export's own golden.npz and compare; exit code 1 where it differs");
  app.add_option("--out", given.out, "write the images with the predictions drawn: a folder, or a .jpg or .png")->type_name("PATH");
  app.add_flag("--json", given.json, "one JSON object per image or text on standard output");
  app.add_option("--threshold", given.threshold, "leave out predictions that score less, or classes with a smaller share of the image (default: that of infer.yml)")->type_name("T");
  const CLI::Option* batch = app.add_option("--batch", given.batch, "samples at a time (default: 1 image, 32 texts)")->type_name("N");
  app.add_option("--threads", given.threads, "threads of the math library, of each worker (default: the cores)")->type_name("N");
  app.add_option("--workers", given.workers, "clones of the predictor that work side by side (default 1)")->type_name("N");
  app.add_option("--engine", given.engine, "paddle, openvino, or auto: what infer.yml names (default)")->type_name("NAME");
  app.add_option("--repeat", given.repeat, "run everything N times and report the latency of each stage")->type_name("N");
  app.add_option("--warmup", given.warmup, "unmeasured runs before --repeat (default 5)")->type_name("N");
  refuse_unknown(app, count, words);
  try {
    app.parse(count, words);
  } catch (const CLI::CallForHelp&) {
    std::cout << app.help();
    return {};
  } catch (const CLI::ParseError& error) {
    throw ConfigError(std::string("kit_infer: ") + error.what() + "\n    kit_infer --help shows what there is");
  }
  check(given, batch->count() > 0);
  return given;
}

}  // namespace kit
