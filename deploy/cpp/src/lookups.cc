#include "lookups.h"

#include <algorithm>
#include <filesystem>

namespace kit {
namespace {

EnvironmentProblem wrong(const std::string& file, const std::string& what) {
  return EnvironmentProblem(file + ": tables: " + what + "; publish it again");
}

}  // namespace

LookUps::LookUps(const YAML::Node& entries, const std::string& file, const std::vector<Input>& inputs) {
  if (!entries || entries.IsNull()) return;
  if (!entries.IsSequence()) throw wrong(file, "it takes a list");
  for (const auto& node : entries) {
    const std::string outside = node["outside"].as<std::string>();
    if (outside != "modulo" && outside != "unknown") throw wrong(file, "outside is '" + outside + "'; it takes modulo or unknown");
    Entry entry{node["rows"].as<std::string>(),      node["input"].as<std::string>(),     node["file"].as<std::string>(),
                node["num_ids"].as<std::uint64_t>(), node["unknown"].as<std::uint64_t>(), outside == "modulo"};
    const auto named = [&](const std::string& name) {
      return std::find_if(inputs.begin(), inputs.end(), [&](const Input& input) { return input.name == name; });
    };
    const auto input = named(entry.input);
    if (input == inputs.end() || input->dtype != DType::int64) throw wrong(file, "'" + entry.input + "' is no input of int64");
    const bool taken = std::any_of(entries_.begin(), entries_.end(), [&](const Entry& other) { return other.rows == entry.rows; });
    if (taken || named(entry.rows) != inputs.end()) throw wrong(file, "rows has a name that is taken");
    if (entry.unknown >= entry.num_ids) throw wrong(file, "unknown is no row");
    const std::filesystem::path name(entry.file);
    if (entry.file.empty() || name.filename() != name || entry.file == "." || entry.file == "..")
      throw wrong(file, "'" + entry.file + "' is outside of the folder");
    if (auto& opened = files_[entry.file]; opened == nullptr)
      opened = std::make_unique<KeyedRows>((std::filesystem::path(file).parent_path() / name).string());
    if (files_[entry.file]->width() != node["width"].as<std::size_t>()) throw wrong(file, "width is not that of " + entry.file);
    if (node["std"]) {
      const float std = node["std"].as<float>();
      if (!(std >= 0) || !node["seed"]) throw wrong(file, "std is a number of 0 or more, with a seed");
      files_[entry.file]->draw_others(std, node["seed"].as<std::uint64_t>());
    }
    entries_.push_back(std::move(entry));
  }
}

Tensors LookUps::with_rows(Tensors inputs) const {
  for (const Entry& entry : entries_) {
    const Tensor& ids = inputs.at(entry.input);
    const KeyedRows& table = *files_.at(entry.file);
    std::vector<std::uint64_t> keys(static_cast<std::size_t>(ids.size()));
    for (std::size_t i = 0; i < keys.size(); ++i) {
      const auto id = static_cast<std::uint64_t>(ids.data<std::int64_t>()[i]);
      keys[i] = entry.modulo ? id % entry.num_ids : id < entry.num_ids ? id : entry.unknown;
    }
    std::vector<std::int64_t> shape = ids.shape;
    shape.push_back(static_cast<std::int64_t>(table.width()));
    Tensor rows = Tensor::of(DType::float32, std::move(shape));
    table.look_up(keys.data(), keys.size(), rows.data<float>());
    inputs[entry.rows] = std::move(rows);
  }
  return inputs;
}

}  // namespace kit
