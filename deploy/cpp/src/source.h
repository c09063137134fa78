// Where the pictures of an inference come from: a file, a folder, standard input.
#pragma once

#include <string>
#include <vector>

#include "kit/kit.h"

namespace kit {

struct Picture {
  std::string name;                 // as answers name it
  std::string path;                 // empty: `bytes` holds it
  std::vector<std::uint8_t> bytes;

  std::vector<std::uint8_t> content() const;  // read anew each time where it has a path
};

struct Source {
  std::string name;
  std::vector<Picture> pictures;
  bool many = false;  // whether one that cannot be read leaves the rest to go on
};

// Raises ConfigError for an empty path, DataError where nothing is there or a folder holds no picture.
Source open_source(const std::string& path);

// Writes drawn pictures to one file, or into a folder under the names they came with.
class Drawing {
 public:
  Drawing(const std::string& out, const Source& source);
  void add(const Picture& picture, const Image& image);

 private:
  std::string out_;
  bool single_ = false;
  std::vector<std::string> names_;
};

}  // namespace kit
