// An infer.yml in which one value is another or is left out: read, or refused with a message; never a crash.
#include <doctest/doctest.h>

#include "image_ops.h"
#include "infer_config.h"
#include "refusal.h"
#include "tasks/task.h"
#include "temporary.h"

namespace {

const char* const text = R"(
format: 2
name: tiny
program: model.json
params: model.pdiparams
inputs: [{name: image, shape: [-1, 3, -1, -1], dtype: float32}, {name: im_shape, shape: [-1, 2], dtype: float32}]
outputs: [boxes, num_boxes]
labels: [cat, dog]
engine: paddle
tolerance: 0.0001
size_multiple: 32
delete_passes: [conv_bn_fuse_pass]
task: Detection
postprocess: {threshold: 0.5}
preprocess:
- {type: Decode, max_pixels: 1000, color: rgb}
- {type: Resize, size: [8, 9], keep_ratio: true, interp: bilinear}
- {type: ResizeShort, size: 8, max_size: 12, interp: area}
- {type: ResizeLong, size: 12, interp: cubic}
- {type: LetterBox, size: [8, 8], fill: 114, ignore: 255, center: false, interp: nearest}
- {type: Pad, size: [9, 9], divisor: 2, fill: [1, 2, 3], ignore: 255, center: true}
- {type: CenterCrop, size: 6, fill: 0, ignore: 255}
- {type: Normalize, mean: [0.4, 0.4, 0.4], std: [0.2, 0.2, 0.2], scale: 0.004, bgr: false}
- {type: PadBatch, divisor: 4, fill: 0, ignore: 255}
)";
const char* const others[] = {"", "null", "0", "-1", "0.5", "1e300", "99999999999999999999", ".nan", "-.inf", "true", "x", "'8'", "[]", "[0]",
                              "[1, [2]]", "{}", "{type: x}", "\"\\e[31m\\n\""};

using Place = std::vector<std::string>;  // the keys from the root to a value

void places(const YAML::Node& node, Place& at, std::vector<Place>& found) {
  if (!at.empty()) found.push_back(at);
  const std::size_t size = node.IsSequence() ? node.size() : 0;
  for (std::size_t i = 0; i < size; ++i) {
    at.push_back(std::to_string(i));
    places(node[i], at, found);
    at.pop_back();
  }
  if (node.IsMap())
    for (const auto& entry : node) {
      at.push_back(entry.first.as<std::string>());
      places(entry.second, at, found);
      at.pop_back();
    }
}

YAML::Node changed(const YAML::Node& node, const Place& place, std::size_t depth, const std::string& other) {
  if (depth == place.size()) return YAML::Load(other);
  YAML::Node copy(node.Type());
  const bool goes = depth + 1 == place.size() && other.empty();
  for (std::size_t i = 0; node.IsSequence() && i < node.size(); ++i) {
    const bool here = std::to_string(i) == place[depth];
    if (!here || !goes) copy.push_back(here ? changed(node[i], place, depth + 1, other) : node[i]);
  }
  for (auto entry = node.begin(); node.IsMap() && entry != node.end(); ++entry) {
    const bool here = entry->first.as<std::string>() == place[depth];
    if (!here || !goes) copy[entry->first] = here ? changed(entry->second, place, depth + 1, other) : entry->second;
  }
  return copy;
}

// Reads the file and runs what it says on two images; refusals of the parser are what Model turns into its own.
void use(const std::string& folder) {
  try {
    const kit::InferConfig config = kit::read_infer_config(folder);
    const kit::Pipeline pipeline(config.preprocess, "infer.yml");
    kit::make_task(config.about.task, config.postprocess, "infer.yml");
    const kit::Image wide{10, 7, std::vector<std::uint8_t>(210, 9)}, high{3, 30, std::vector<std::uint8_t>(270, 200)};
    std::vector<kit::Sample> samples{kit::sample_of(wide), kit::sample_of(high)};
    pipeline.apply(samples);
  } catch (const YAML::Exception& error) {
    CHECK(std::string(error.what()).size() > 5);
  }
}

}  // namespace

TEST_CASE("an infer.yml with one value changed or left out is read or refused") {
  const Temporary folder;
  std::vector<Place> found;
  Place at;
  places(YAML::Load(text), at, found);
  folder.write("infer.yml", text);
  CHECK(refusal([&] { use(folder.path("")); }) == "");
  REQUIRE(found.size() > 80);
  for (const Place& place : found)
    for (const std::string other : others) {
      std::string where = other;
      for (const std::string& key : place) where += " " + key;
      CAPTURE(where);
      YAML::Emitter out;
      out << changed(YAML::Load(text), place, 0, other);  // nodes that are joined share their memory for good
      folder.write("infer.yml", out.c_str());
      std::string said = "0";
      CHECK_NOTHROW(said = refusal([&] { use(folder.path("")); }) + "0");
      CHECK((said[0] == '0' || said[0] == '2' || said[0] == '3' || said[0] == '4'));
    }
}
