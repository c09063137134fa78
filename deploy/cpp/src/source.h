// Where the images of an inference come from: a file, a folder, standard input.
#pragma once

#include <string>
#include <vector>

#include "kit/kit.h"

namespace kit {

struct ImageFile {
  std::string name;                 // as predictions name it
  std::string path;                 // empty: `bytes` holds it
  std::vector<std::uint8_t> bytes;

  std::vector<std::uint8_t> content() const;  // read anew each time where it has a path
};

struct Source {
  std::string name;
  std::vector<ImageFile> images;
  bool many = false;  // whether the others are still predicted when one cannot be read
};

// Raises ConfigError for an empty path, DataError where nothing is there or a folder holds no image.
Source open_source(const std::string& path);

// Writes drawn images to one file, or into a folder under the names they came with.
class Drawing {
 public:
  Drawing(const std::string& out, const Source& source);
  void add(const ImageFile& file, const Image& image);

 private:
  std::string out_;
  bool single_ = false;
  std::vector<std::string> names_;
};

}  // namespace kit
