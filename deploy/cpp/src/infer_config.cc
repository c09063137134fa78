#include "infer_config.h"

#include <cmath>
#include <filesystem>

#include "files.h"

namespace kit {
namespace fs = std::filesystem;
namespace {

constexpr int format_read = 2;

EnvironmentProblem wrong(const std::string& file, const std::string& key, const std::string& right) {
  return EnvironmentProblem(file + ": " + key + ": it takes " + right +
                            "; export the model again: python tools/export.py -c CONFIG -o weights=CHECKPOINT");
}

Input input_of(const YAML::Node& entry, const std::string& file) {
  Input input{entry["name"].as<std::string>(), {}, dtype_named(entry["dtype"].as<std::string>())};
  for (const auto& size : entry["shape"]) input.shape.push_back(size.IsNull() ? -1 : size.as<std::int64_t>());
  for (const std::int64_t size : input.shape)
    if (size != -1 && size < 1) throw wrong(file, "inputs", "sizes of 1 or more, and null or -1 for any");
  return input;
}

}  // namespace

void refuse_other(const std::string& given_folder) {
  const fs::path folder(given_folder);
  const std::string given = "--model " + folder.string();
  if (fs::is_regular_file(folder / "infer.yml")) return;
  if (!fs::exists(folder)) {
    std::vector<std::string> beside;
    std::error_code none;
    const fs::path named = folder.has_filename() ? folder : folder.parent_path();
    const fs::path parent = named.has_parent_path() ? named.parent_path() : fs::path(".");
    for (const auto& entry : fs::directory_iterator(parent, none))
      if (entry.is_directory()) beside.push_back(entry.path().filename().string());
    const std::string near = nearest(named.filename().string(), beside);
    throw ConfigError(given + ": there is no such folder" +
                      (near.empty() ? "" : "; did you mean '" + (named.parent_path() / near).string() + "'?"));
  }
  const std::string ending = folder.extension().string();
  if (fs::exists(folder / "model.safetensors") || ending == ".safetensors" || ending == ".pdparams")
    throw ConfigError(given + ": weights of training, not an exported model; export them with tools/export.py");
  if (fs::exists(folder / "manifest.json"))
    throw EnvironmentProblem(folder.string() + ": infer.yml is missing, the export is not complete; export it again");
  throw ConfigError(given + ": no exported model; give the folder that tools/export.py wrote");
}

InferConfig read_infer_config(const std::string& folder) {
  const std::string file = (fs::path(folder) / "infer.yml").string();
  try {
    const YAML::Node root = YAML::LoadFile(file);
    if (const int format = root["format"].as<int>(); format > format_read)
      throw EnvironmentProblem(file + ": format " + std::to_string(format) + ", which a newer version wrote; this program reads " +
                               std::to_string(format_read) + ": build it again from that version");
    else if (format < format_read)
      throw EnvironmentProblem(file + ": format " + std::to_string(format) +
                               ", which an earlier version wrote; export the model again: python tools/export.py -c CONFIG -o "
                               "weights=CHECKPOINT");
    InferConfig config;
    config.about.folder = folder;
    config.about.name = root["name"].as<std::string>();
    config.about.task = root["task"].as<std::string>();
    config.about.engine = root["engine"].as<std::string>("paddle");
    config.about.tolerance = root["tolerance"].as<double>(1e-4);
    config.about.size_multiple = root["size_multiple"].as<int>(1);
    if (config.about.size_multiple < 1) throw wrong(file, "size_multiple", "an integer of 1 or more");
    if (!(config.about.tolerance > 0 && std::isfinite(config.about.tolerance))) throw wrong(file, "tolerance", "a number above 0");
    if (!root["inputs"].IsSequence() || root["inputs"].size() == 0) throw wrong(file, "inputs", "a list of inputs");
    if (!root["preprocess"].IsSequence()) throw wrong(file, "preprocess", "a list of transforms");
    if (root["postprocess"] && !root["postprocess"].IsNull() && !root["postprocess"].IsMap())
      throw wrong(file, "postprocess", "the arguments of the task");
    for (const auto& entry : root["inputs"]) config.about.inputs.push_back(input_of(entry, file));
    config.about.outputs = root["outputs"].as<std::vector<std::string>>();
    if (!root["labels"].IsNull()) config.about.labels = root["labels"].as<std::vector<std::string>>();
    if (root["category_ids"]) config.about.category_ids = root["category_ids"].as<std::vector<int>>();
    if (!config.about.category_ids.empty() && config.about.category_ids.size() != config.about.labels.size())
      throw wrong(file, "category_ids", "as many ids as there are labels");
    if (config.about.outputs.empty()) throw wrong(file, "outputs", "a list of names");
    config.about.threshold_from = root["threshold_from"].as<std::string>("");
    config.delete_passes = root["delete_passes"].as<std::vector<std::string>>();
    if (root["kit"]) config.about.kit = root["kit"].as<std::string>();
    if (root["kit_classes"]) config.about.kit_classes = root["kit_classes"].as<std::vector<std::string>>();
    config.preprocess = root["preprocess"];
    config.postprocess = root["postprocess"];
    if (root["tables"]) config.tables = root["tables"];
    return config;
  } catch (const YAML::Exception& error) {
    throw EnvironmentProblem(file + ": " + error.what());
  }
}

std::optional<int> About::fixed_batch() const {
  if (inputs.empty() || inputs[0].shape.empty() || inputs[0].shape[0] <= 0) return {};
  return static_cast<int>(inputs[0].shape[0]);
}

}  // namespace kit
