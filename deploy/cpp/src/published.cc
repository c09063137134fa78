#include "published.h"

#include <algorithm>
#include <filesystem>
#include <future>
#include <utility>

#include "kit/kit.h"

namespace kit {
namespace fs = std::filesystem;

std::string current_version(const std::string& folder) {
  std::error_code none;
  const std::string name = fs::read_symlink(fs::path(folder) / "current", none).string();
  const bool digits = std::all_of(name.begin(), name.end(), [](char c) { return c >= '0' && c <= '9'; });
  return !none && digits && name.size() <= 18 ? name : "";
}

std::string served_folder(const std::string& folder) {
  if (const std::string version = current_version(folder); !version.empty() && !fs::exists(fs::path(folder) / "infer.yml"))
    return (fs::path(folder) / version).string();
  std::error_code none;
  return fs::is_symlink(folder, none) ? fs::canonical(folder, none).string() : folder;
}

struct CurrentModel::Parts {
  std::string root, version, failed, problem;
  Options options;
  std::optional<Model> model;
  std::future<Model> coming;
  std::string coming_version;

  std::string folder_of(const std::string& name) const { return (fs::path(root) / name).string(); }

  // Begins to load a version that is not the one in use, unless it is being loaded or was refused.
  void look() {
    const std::string now = current_version(root);
    if (now.empty() || now == version || now == failed || coming.valid()) return;
    coming_version = now;
    coming = std::async(std::launch::async, [folder = folder_of(now), how = options] { return Model(folder, how); });
  }

  // Takes the version that was loaded, once it is; with `wait`, after it is.
  bool take(bool wait) {
    if (!coming.valid() || (!wait && coming.wait_for(std::chrono::seconds(0)) != std::future_status::ready)) return false;
    try {
      model.emplace(coming.get());
      version = coming_version, failed.clear(), problem.clear();
      return true;
    } catch (const Error& error) {
      failed = coming_version, problem = error.what();
      return false;
    }
  }
};

CurrentModel::CurrentModel(const std::string& root, const Options& options) : parts_(std::make_unique<Parts>()) {
  const std::string now = current_version(root);
  if (now.empty()) throw ConfigError("--model " + root + ": no published versions: there is no link 'current' to one");
  parts_->root = root, parts_->options = options, parts_->version = now;
  parts_->model.emplace(parts_->folder_of(now), options);
}

CurrentModel::~CurrentModel() = default;
CurrentModel::CurrentModel(CurrentModel&&) noexcept = default;
CurrentModel& CurrentModel::operator=(CurrentModel&&) noexcept = default;

Tensors CurrentModel::run(const Tensors& inputs) {
  parts_->take(false);
  parts_->look();
  return parts_->model->run(inputs);
}

bool CurrentModel::refresh() {
  bool changed = parts_->take(true);
  parts_->look();
  return parts_->take(true) || changed;
}

const Model& CurrentModel::model() const { return *parts_->model; }
const std::string& CurrentModel::version() const { return parts_->version; }
const std::string& CurrentModel::problem() const { return parts_->problem; }

}  // namespace kit
