#include "source.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <iostream>
#include <iterator>
#include <set>
#include <sstream>

#include "files.h"

namespace kit {
namespace fs = std::filesystem;
namespace {

const std::set<std::string> endings{".jpg", ".jpeg", ".png", ".bmp", ".webp", ".gif", ".ppm"};

bool is_text(const std::vector<std::uint8_t>& bytes) {  // UTF-8 without zeros
  for (std::size_t i = 0; i < bytes.size();) {
    const std::uint8_t lead = bytes[i++];
    const int more = lead < 0x80 ? 0 : lead >= 0xf0 && lead < 0xf5 ? 3 : lead >= 0xe0 ? 2 : lead >= 0xc2 ? 1 : -1;
    if (lead == 0 || more < 0 || lead >= 0xf5 || i + more > bytes.size()) return false;
    for (int k = 0; k < more; ++k)
      if ((bytes[i++] & 0xc0) != 0x80) return false;
  }
  return true;
}

std::string trimmed(const std::string& text) {
  const auto first = text.find_first_not_of(" \t\r\n"), last = text.find_last_not_of(" \t\r\n");
  return first == std::string::npos ? "" : text.substr(first, last - first + 1);
}

Source standard_input() {
  std::vector<std::uint8_t> bytes((std::istreambuf_iterator<char>(std::cin)), std::istreambuf_iterator<char>());
  if (bytes.empty()) throw DataError("standard input is empty; it takes an image, or one path a line");
  if (!is_text(bytes)) return {"-", {{"stdin.png", "", std::move(bytes)}}, false};
  Source source{"-", {}, true};
  std::istringstream lines(std::string(bytes.begin(), bytes.end()));
  for (std::string line; std::getline(lines, line);)
    if (line = trimmed(line); !line.empty()) source.images.push_back({line, line, {}});
  return source;
}

std::vector<std::string> images_in(const std::string& folder) {
  std::vector<std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder, fs::directory_options::skip_permission_denied)) {
    bool hidden = entry.path().filename().string().front() == '.';
    if (!hidden && endings.count(lower(entry.path().extension().string())) > 0)
      files.push_back(entry.path().lexically_normal().string());
  }
  std::sort(files.begin(), files.end(), [](const std::string& a, const std::string& b) { return fs::path(a) < fs::path(b); });
  return files;
}

}  // namespace

std::vector<std::uint8_t> ImageFile::content() const { return path.empty() ? bytes : read_file(path); }

Source open_source(const std::string& path) {
  if (path == "-") return standard_input();
  if (trimmed(path).empty()) throw ConfigError("--image: write which image or folder; - is standard input");
  std::error_code none;
  if (!fs::is_directory(path, none)) return {path, {{path, path, {}}}, false};
  Source source{path, {}, true};
  for (const std::string& file : images_in(path)) source.images.push_back({file, file, {}});
  if (source.images.empty()) {
    std::string known;
    for (const std::string& ending : endings) known += (known.empty() ? "" : ", ") + ending;
    throw DataError(path + ": the folder holds no image (" + known + ")");
  }
  return source;
}

Drawing::Drawing(const std::string& out, const Source& source) : out_(out) {
  const std::string ending = lower(fs::path(out).extension().string());
  single_ = endings.count(ending) > 0 && !fs::is_directory(out);
  if (single_ && source.many) throw ConfigError("--out " + out + ": an image, but there are several; name a folder");
  if (single_ && ending != ".jpg" && ending != ".jpeg" && ending != ".png")
    throw ConfigError("--out " + out + ": images are written as .jpg or .png");
  const std::size_t letters = ending.size();
  if (!single_ && letters >= 4 && letters <= 6 && std::isalpha(static_cast<unsigned char>(ending[1])) && out.back() != '/' && !fs::is_directory(out))
    throw ConfigError("--out " + out + ": " + ending + " files are not written; name a .jpg or .png, or a folder for drawn images: " + out +
                      "/ (tools/infer.py writes .csv, .jsonl and .json; --json > FILE redirects JSON lines)");
  std::error_code error;
  if (!single_) fs::create_directories(out, error);
  if (error) throw EnvironmentProblem("--out " + out + ": cannot be made: " + error.message());
}

void Drawing::add(const ImageFile& file, const Image& image) {
  fs::path target = out_;
  if (!single_) {
    const fs::path name = fs::path(file.name).filename();
    std::string ending = lower(name.extension().string());
    if (ending != ".jpg" && ending != ".jpeg") ending = ".png";
    std::string chosen = name.stem().string() + ending;
    for (int number = 1; std::count(names_.begin(), names_.end(), chosen) > 0; ++number)
      chosen = name.stem().string() + "_" + std::to_string(number) + ending;
    names_.push_back(chosen);
    target /= chosen;
  }
  std::error_code none;
  if (!file.path.empty() && fs::equivalent(target, file.path, none))
    throw ConfigError("--out " + out_ + ": would write over " + file.path + "; name another");
  write_image(target.string(), image);
}

}  // namespace kit
