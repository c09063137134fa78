// WebP by libwebp; BMP, GIF and PPM by stb_image.
#include <webp/decode.h>

#include <cctype>
#include <cstring>

#include "decoders.h"
#include "files.h"

#define STBI_ONLY_BMP
#define STBI_ONLY_GIF
#define STBI_ONLY_PNM
#define STBI_NO_STDIO
#define STB_IMAGE_STATIC
#define STB_IMAGE_IMPLEMENTATION
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wall"
#pragma GCC diagnostic ignored "-Wextra"
#pragma GCC diagnostic ignored "-Wunused-function"
#include <stb/stb_image.h>
#pragma GCC diagnostic pop

namespace kit {
namespace {

DataError damaged(const Bytes& file, const std::string& why) {
  return bad("D102", file.name, "the image is damaged: " + why, "fetch it again, or leave it out");
}

int webp_orientation(const Bytes& file) {
  for (std::size_t at = 12; at + 8 <= file.size;) {
    const std::uint8_t* chunk = file.data + at;
    std::size_t size = chunk[4] | chunk[5] << 8 | chunk[6] << 16 | std::size_t{chunk[7]} << 24;
    if (size > file.size - at - 8) break;
    if (std::memcmp(chunk, "EXIF", 4) == 0) {
      const std::size_t head = size > 6 && std::memcmp(chunk + 8, "Exif\0\0", 6) == 0 ? 6 : 0;
      return orientation_in_exif(chunk + 8 + head, size - head);
    }
    at += 8 + size + size % 2;
  }
  return 1;
}

// Refuses a PGM or PPM of other values than 0 to 255: stb_image reads 16 bits wrongly, and beyond its memory.
void check_values(const Bytes& file) {
  std::size_t at = 2;
  long values[3] = {0, 0, 0};  // width, height, the largest value
  for (long& value : values) {
    while (at < file.size && (std::isspace(file.data[at]) || file.data[at] == '#'))
      if (file.data[at++] == '#')
        while (at < file.size && file.data[at] != '\n' && file.data[at] != '\r') ++at;
    const std::size_t start = at;
    for (; at < file.size && std::isdigit(file.data[at]) && at < start + 9; ++at) value = 10 * value + (file.data[at] - '0');
    if (at == start) throw bad("D102", file.name, "the image's header is damaged: a number is missing");
  }
  if (values[2] != 255)
    throw bad("D101", file.name, "values up to " + std::to_string(values[2]) + " instead of 255, which this program does not read",
              "save it as PNG");
}

}  // namespace

Stored decode_webp(const Bytes& file) {
  WebPBitstreamFeatures features;
  if (WebPGetFeatures(file.data, file.size, &features) != VP8_STATUS_OK) throw damaged(file, "no WebP header");
  check_pixels(file, features.width, features.height);
  if (features.has_animation)
    throw bad("D101", file.name, "an animated WebP, which this program does not read", "save its first frame as PNG");
  Stored stored{{features.height, features.width, {}}, webp_orientation(file)};
  stored.image.pixels.resize(std::size_t{3} * features.height * features.width);
  if (WebPDecodeRGBInto(file.data, file.size, stored.image.pixels.data(), stored.image.pixels.size(), 3 * features.width) ==
      nullptr)
    throw damaged(file, "the file ends early or its content is wrong");
  return stored;
}

Stored decode_other(const Bytes& file) {
  if (file.data[0] == 'P') check_values(file);
  int width = 0, height = 0, channels = 0;
  const int size = static_cast<int>(std::min<std::size_t>(file.size, 0x7fffffff));
  if (stbi_info_from_memory(file.data, size, &width, &height, &channels) == 0)
    throw bad("D102", file.name, std::string("the image's header is damaged: ") + stbi_failure_reason());
  check_pixels(file, width, height);
  stbi_uc* pixels = stbi_load_from_memory(file.data, size, &width, &height, &channels, 3);
  if (pixels == nullptr) throw damaged(file, stbi_failure_reason());
  Stored stored{{height, width, std::vector<std::uint8_t>(pixels, pixels + std::size_t{3} * width * height)}, 1};
  stbi_image_free(pixels);
  return stored;
}

}  // namespace kit
