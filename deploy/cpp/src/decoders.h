// A decoder for each kind of image file; `decode_image` chooses by the content.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kit/kit.h"

namespace kit {

struct Bytes {
  const std::uint8_t* data;
  std::size_t size;
  std::string name;         // for messages
  std::int64_t max_pixels;  // refused from the header
  bool starts_with(const std::string& head, std::size_t at = 0) const;
};

// A decoded image as stored, and its EXIF orientation, 1 to 8.
struct Stored {
  Image image;
  int orientation = 1;
};

Stored decode_jpeg(const Bytes& file);
Stored decode_png(const Bytes& file);
Stored decode_webp(const Bytes& file);
Stored decode_other(const Bytes& file);  // BMP, GIF, PPM

void check_pixels(const Bytes& file, std::int64_t width, std::int64_t height);  // raises D103
int orientation_in_exif(const std::uint8_t* data, std::size_t size);            // of a TIFF header and what follows it

std::vector<std::uint8_t> encode_jpeg(const Image& image, int quality = 95);
std::vector<std::uint8_t> encode_png(const Image& image);

}  // namespace kit
