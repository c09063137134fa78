#include "files.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <numeric>

namespace kit {
namespace fs = std::filesystem;
namespace {

std::size_t distance(const std::string& one, const std::string& other) {
  std::vector<std::size_t> row(other.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (std::size_t i = 0; i < one.size(); ++i) {
    std::size_t corner = row[0]++;
    for (std::size_t j = 0; j < other.size(); ++j) {
      std::size_t changed = corner + (one[i] != other[j]);
      corner = row[j + 1];
      row[j + 1] = std::min({corner + 1, row[j] + 1, changed});
    }
  }
  return row.back();
}

std::string nearest_name(const fs::path& path) {
  std::error_code none;
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  if (!fs::is_directory(folder, none)) return "there is no folder '" + folder.string() + "'";
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder, fs::directory_options::skip_permission_denied, none))
    names.push_back(entry.path().filename().string());
  std::string found = did_you_mean(path.filename().string(), names);
  if (!found.empty()) return found.substr(2);
  return "the folder '" + folder.string() + "' holds " + std::to_string(names.size()) + " other files";
}

}  // namespace

std::vector<std::uint8_t> read_file(const std::string& path) {
  std::error_code none;
  if (fs::is_directory(path, none)) throw bad("D104", path, "a folder stands where a file is expected");
  std::ifstream file(path, std::ios::binary);
  if (!file && errno == EACCES) throw bad("D104", path, "no permission to read this file", "chmod a+r '" + path + "'");
  if (!file) throw bad("D104", path, "there is no such file", nearest_name(path));
  std::vector<std::uint8_t> bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (file.bad()) throw bad("D104", path, std::string("cannot be read: ") + std::strerror(errno));
  return bytes;
}

void write_file(const std::string& path, const void* data, std::size_t size) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(static_cast<const char*>(data), static_cast<std::streamsize>(size));
  file.close();
  if (!file) throw EnvironmentProblem(path + " cannot be written: " + std::strerror(errno));
}

std::string nearest(const std::string& word, const std::vector<std::string>& known) {
  std::string best;
  std::size_t least = std::max<std::size_t>(1, word.size() / 4) + 1;
  for (const std::string& name : known)
    if (std::size_t apart = distance(lower(word), lower(name)); apart < least) least = apart, best = name;
  return best;
}

std::string did_you_mean(const std::string& word, const std::vector<std::string>& known) {
  const std::string near = nearest(word, known);
  return near.empty() ? "" : "; did you mean '" + near + "'?";
}

DataError bad(const std::string& code, const std::string& file, const std::string& message, const std::string& fix) {
  return DataError("error[" + code + "] " + message + "\n  " + file + (fix.empty() ? "" : "\n  fix: " + fix));
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

}  // namespace kit
