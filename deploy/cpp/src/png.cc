#include <png.h>

#include <csetjmp>
#include <cstring>

#include "decoders.h"
#include "files.h"

namespace kit {
namespace {

struct Reader {
  const Bytes* file;
  std::size_t at;
  std::string message;
};

void take(png_structp png, png_bytep out, std::size_t count) {
  Reader* reader = static_cast<Reader*>(png_get_io_ptr(png));
  if (count > reader->file->size - reader->at) png_error(png, "the file ends early");
  std::memcpy(out, reader->file->data + reader->at, count);
  reader->at += count;
}

[[noreturn]] void fail(png_structp png, png_const_charp message) {
  static_cast<Reader*>(png_get_error_ptr(png))->message = message;
  png_longjmp(png, 1);
}

void quiet(png_structp, png_const_charp) {}

int orientation_of(png_structp png, png_infop info) {
  png_bytep exif = nullptr;
  png_uint_32 size = 0;
  if (png_get_eXIf_1(png, info, &size, &exif) == 0) return 1;
  return orientation_in_exif(exif, size);
}

// What the C library's jumps must not pass over lies in the caller: no object with a destructor is made here.
bool decode(png_structp png, png_infop info, Reader& reader, Stored& stored, std::vector<png_bytep>& rows, bool& too_large) {
  if (setjmp(png_jmpbuf(png)) != 0) return false;
  png_set_read_fn(png, &reader, take);
  png_set_user_limits(png, 0x7fffffff, 0x7fffffff);
  png_read_info(png, info);
  const std::size_t width = png_get_image_width(png, info), height = png_get_image_height(png, info);
  stored.image.width = static_cast<int>(width);
  stored.image.height = static_cast<int>(height);
  too_large = static_cast<std::int64_t>(width * height) > reader.file->max_pixels;
  if (too_large) return false;
  stored.orientation = orientation_of(png, info);
  const int color = png_get_color_type(png, info);
  if (color == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(png);
  if (color == PNG_COLOR_TYPE_GRAY && png_get_bit_depth(png, info) < 8) png_set_expand_gray_1_2_4_to_8(png);
  if ((color & PNG_COLOR_MASK_COLOR) == 0) png_set_gray_to_rgb(png);
  png_set_strip_16(png);
  png_set_strip_alpha(png);
  png_set_interlace_handling(png);
  png_read_update_info(png, info);
  stored.image.pixels.resize(3 * width * height);
  rows.resize(height);
  for (std::size_t y = 0; y < height; ++y) rows[y] = stored.image.pixels.data() + 3 * width * y;
  png_read_image(png, rows.data());
  return true;
}

void append(png_structp png, png_bytep data, std::size_t size) {
  auto* bytes = static_cast<std::vector<std::uint8_t>*>(png_get_io_ptr(png));
  bytes->insert(bytes->end(), data, data + size);
}

bool encode(png_structp png, png_infop info, const Image& image, std::vector<std::uint8_t>& bytes,
            std::vector<png_bytep>& rows) {
  if (setjmp(png_jmpbuf(png)) != 0) return false;
  png_set_write_fn(png, &bytes, append, nullptr);
  png_set_IHDR(png, info, static_cast<png_uint_32>(image.width), static_cast<png_uint_32>(image.height), 8,
               PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_set_compression_level(png, 1);
  png_set_rows(png, info, rows.data());
  png_write_png(png, info, PNG_TRANSFORM_IDENTITY, nullptr);
  return true;
}

}  // namespace

Stored decode_png(const Bytes& file) {
  Reader reader{&file, 0, ""};
  png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &reader, fail, quiet);
  png_infop info = png_create_info_struct(png);
  Stored stored;
  std::vector<png_bytep> rows;
  bool too_large = false;
  const bool whole = decode(png, info, reader, stored, rows, too_large);
  png_destroy_read_struct(&png, &info, nullptr);
  if (too_large) check_pixels(file, stored.image.width, stored.image.height);
  if (!whole)
    throw bad("D102", file.name, "the image is damaged: " + reader.message, "fetch it again, or leave it out");
  return stored;
}

std::vector<std::uint8_t> encode_png(const Image& image) {
  Reader reader{nullptr, 0, ""};
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &reader, fail, quiet);
  png_infop info = png_create_info_struct(png);
  std::vector<std::uint8_t> bytes;
  std::vector<png_bytep> rows(static_cast<std::size_t>(image.height));
  for (std::size_t y = 0; y < rows.size(); ++y)
    rows[y] = const_cast<png_bytep>(image.pixels.data()) + 3 * y * static_cast<std::size_t>(image.width);
  const bool done = encode(png, info, image, bytes, rows);
  png_destroy_write_struct(&png, &info);
  if (!done) throw EnvironmentProblem("the image cannot be written as PNG: " + reader.message);
  return bytes;
}

}  // namespace kit
