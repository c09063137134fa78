// From the bytes of a file to an upright image; refusals are those of Python's common/vision/decode.py.
#include <cctype>
#include <filesystem>
#include <opencv2/core.hpp>

#include "decoders.h"
#include "files.h"

namespace kit {
namespace {

const char* const formats = "formats read: JPEG, PNG, WebP, BMP, GIF, PPM";

// How a file that is no image begins, for its owner to recognize.
std::string start_of(const Bytes& file) {
  std::string text, codes;
  bool printable = true;
  for (std::size_t i = 0; i < std::min<std::size_t>(file.size, 12) && file.data[i] != '\n'; ++i) {
    printable = printable && file.data[i] < 128 && std::isprint(file.data[i]);
    text += static_cast<char>(file.data[i]);
  }
  if (printable && !text.empty()) return "starts with '" + text + "'";
  for (std::size_t i = 0; i < std::min<std::size_t>(file.size, 8); ++i) {
    char code[4];
    std::snprintf(code, sizeof code, "%02x ", file.data[i]);
    codes += code;
  }
  return "starts with the bytes " + codes.substr(0, codes.size() - 1);
}

Stored decode_stored(const Bytes& file) {
  if (file.size == 0)
    throw bad("D101", file.name, "the file is empty (0 bytes)", "fetch it again, or remove it from the annotations");
  if (file.starts_with("\xff\xd8\xff")) return decode_jpeg(file);
  if (file.starts_with("\x89PNG\r\n\x1a\n")) return decode_png(file);
  if (file.starts_with("RIFF") && file.starts_with("WEBP", 8)) return decode_webp(file);
  if (file.starts_with(std::string("II*\0", 4)) || file.starts_with(std::string("MM\0*", 4)))
    throw bad("D101", file.name, "a TIFF, which this program does not read", "save it as PNG");
  const bool ppm = file.size > 2 && file.data[0] == 'P' && (file.data[1] == '5' || file.data[1] == '6');
  if (file.starts_with("BM") || file.starts_with("GIF8") || ppm) return decode_other(file);
  throw bad("D101", file.name, "not an image (" + start_of(file) + ")", formats);
}

void turn(Image& image, int orientation) {
  if (orientation <= 1) return;
  cv::Mat stored(image.height, image.width, CV_8UC3, image.pixels.data()), turned = stored;
  if (orientation >= 5) cv::transpose(stored, turned);
  cv::Mat result = turned.clone();
  const bool across = orientation == 2 || orientation == 3 || orientation == 6 || orientation == 7;
  const bool down = orientation == 3 || orientation == 4 || orientation == 7 || orientation == 8;
  if (across || down) cv::flip(turned, result, across && down ? -1 : across ? 1 : 0);
  image.height = result.rows;
  image.width = result.cols;
  image.pixels.assign(result.data, result.data + result.total() * 3);
}

std::uint32_t number(const std::uint8_t* data, int size, bool big) {
  std::uint32_t value = 0;
  for (int i = 0; i < size; ++i) value |= std::uint32_t{data[i]} << 8 * (big ? size - 1 - i : i);
  return value;
}

}  // namespace

bool Bytes::starts_with(const std::string& head, std::size_t at) const {
  return size >= at + head.size() && std::equal(head.begin(), head.end(), data + at, [](char one, std::uint8_t other) {
           return static_cast<std::uint8_t>(one) == other;
         });
}

void check_pixels(const Bytes& file, std::int64_t width, std::int64_t height) {
  if (width > 0 && height > 0 && width * height <= file.max_pixels) return;
  if (width <= 0 || height <= 0) throw bad("D102", file.name, "the image's header is damaged: it has no pixels");
  throw bad("D103", file.name,
            std::to_string(width) + "x" + std::to_string(height) + " is " + std::to_string(width * height) +
                " pixels, more than the " + std::to_string(file.max_pixels) + " allowed",
            "scale the image down, or raise Decode's max_pixels");
}

int orientation_in_exif(const std::uint8_t* data, std::size_t size) {
  if (size < 8 || (data[0] != 'I' && data[0] != 'M')) return 1;
  const bool big = data[0] == 'M';
  const std::size_t start = number(data + 4, 4, big);
  if (start + 2 > size) return 1;
  const std::size_t count = number(data + start, 2, big);
  for (std::size_t i = 0; i < count && start + 2 + 12 * (i + 1) <= size; ++i) {
    const std::uint8_t* entry = data + start + 2 + 12 * i;
    if (number(entry, 2, big) != 0x0112) continue;
    const std::uint32_t value = number(entry + 8, number(entry + 2, 2, big) == 4 ? 4 : 2, big);
    return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
  }
  return 1;
}

Image decode_image(const std::uint8_t* data, std::size_t size, const std::string& name, std::int64_t max_pixels) {
  Stored stored = decode_stored({data, size, name, std::min(max_pixels, pixel_limit)});
  turn(stored.image, stored.orientation);
  return std::move(stored.image);
}

Image read_image(const std::string& path, std::int64_t max_pixels) {
  const std::vector<std::uint8_t> bytes = read_file(path);
  return decode_image(bytes.data(), bytes.size(), path, max_pixels);
}

void write_image(const std::string& path, const Image& image) {
  const std::string ending = lower(std::filesystem::path(path).extension().string());
  if (ending != ".png" && ending != ".jpg" && ending != ".jpeg")
    throw ConfigError("--out " + path + ": images are written as .jpg or .png");
  const std::vector<std::uint8_t> bytes = ending == ".png" ? encode_png(image) : encode_jpeg(image);
  write_file(path, bytes.data(), bytes.size());
}

}  // namespace kit
