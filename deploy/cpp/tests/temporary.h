// A folder that goes away with the test.
#pragma once

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>

class Temporary {
 public:
  Temporary() {
    std::string name = (std::filesystem::temp_directory_path() / "kitXXXXXX").string();
    folder_ = mkdtemp(name.data());
  }
  ~Temporary() { std::filesystem::remove_all(folder_); }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(path(name), std::ios::binary) << text;
    return path(name);
  }

 private:
  std::filesystem::path folder_;
};
