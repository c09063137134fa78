#include <csetjmp>
#include <cstdio>
#include <cstdlib>
#include <cstring>

// after cstdio, which it takes FILE from
#include <jerror.h>
#include <jpeglib.h>

#include "decoders.h"
#include "files.h"

namespace kit {
namespace {

struct Errors {
  jpeg_error_mgr base;
  std::jmp_buf back;
  char message[JMSG_LENGTH_MAX];
  bool ended, starved;  // the file ended early, and pixels lacked bits
};

[[noreturn]] void fail(j_common_ptr codec) {
  Errors* errors = reinterpret_cast<Errors*>(codec->err);
  codec->err->format_message(codec, errors->message);
  std::longjmp(errors->back, 1);
}

void note(j_common_ptr codec, int level) {
  Errors* errors = reinterpret_cast<Errors*>(codec->err);
  if (level >= 0) return;
  errors->ended = errors->ended || codec->err->msg_code == JWRN_JPEG_EOF;
  errors->starved = errors->starved || codec->err->msg_code == JWRN_HIT_MARKER;
}

void quiet(j_common_ptr) {}

jpeg_error_mgr* set_up(Errors& errors) {
  jpeg_std_error(&errors.base);
  errors.base.error_exit = fail;
  errors.base.emit_message = note;
  errors.base.output_message = quiet;
  errors.message[0] = 0;
  errors.ended = errors.starved = false;
  return &errors.base;
}

int orientation_of(const jpeg_decompress_struct& codec) {
  for (jpeg_saved_marker_ptr marker = codec.marker_list; marker != nullptr; marker = marker->next)
    if (marker->data_length > 6 && std::memcmp(marker->data, "Exif\0\0", 6) == 0)
      return orientation_in_exif(marker->data + 6, marker->data_length - 6);
  return 1;
}

std::uint8_t times(int one, int other) {  // one * other / 255, rounded
  const int product = one * other + 128;
  return static_cast<std::uint8_t>((product + (product >> 8)) >> 8);
}

// Adobe's CMYK, whose values are stored inverted, to RGB.
void from_cmyk(const std::uint8_t* row, std::uint8_t* out, int width, bool inverted) {
  for (int x = 0; x < width; ++x, row += 4, out += 3) {
    const int key = inverted ? row[3] : 255 - row[3];
    for (int c = 0; c < 3; ++c) out[c] = static_cast<std::uint8_t>(key - times(inverted ? 255 - row[c] : row[c], key));
  }
}

// What the C library's jumps must not pass over lies in the caller: no object with a destructor is made here.
bool decode(jpeg_decompress_struct& codec, Errors& errors, const Bytes& file, Stored& stored,
            std::vector<std::uint8_t>& row, bool& too_large) {
  if (setjmp(errors.back) != 0) return false;
  jpeg_create_decompress(&codec);
  jpeg_mem_src(&codec, file.data, file.size);
  jpeg_save_markers(&codec, JPEG_APP0 + 1, 0xffff);
  jpeg_read_header(&codec, TRUE);
  stored.image.height = static_cast<int>(codec.image_height);
  stored.image.width = static_cast<int>(codec.image_width);
  too_large = std::int64_t{codec.image_height} * codec.image_width > file.max_pixels;
  if (too_large) return false;
  stored.orientation = orientation_of(codec);
  const bool cmyk = codec.num_components == 4;
  codec.out_color_space = cmyk ? JCS_CMYK : JCS_EXT_RGB;
  stored.image.pixels.resize(std::size_t{3} * codec.image_height * codec.image_width);
  row.resize(cmyk ? std::size_t{4} * codec.image_width : 0);
  jpeg_start_decompress(&codec);
  while (codec.output_scanline < codec.output_height) {
    std::uint8_t* out = stored.image.pixels.data() + std::size_t{3} * codec.output_width * codec.output_scanline;
    JSAMPROW target = cmyk ? row.data() : out;
    jpeg_read_scanlines(&codec, &target, 1);
    if (cmyk) from_cmyk(row.data(), out, static_cast<int>(codec.output_width), codec.saw_Adobe_marker != 0);
  }
  return true;
}

}  // namespace

Stored decode_jpeg(const Bytes& file) {
  jpeg_decompress_struct codec{};
  Errors errors;
  codec.err = set_up(errors);
  Stored stored;
  std::vector<std::uint8_t> row;
  bool too_large = false;
  const bool whole = decode(codec, errors, file, stored, row, too_large);
  jpeg_destroy_decompress(&codec);
  if (too_large) check_pixels(file, stored.image.width, stored.image.height);
  if (!whole)
    throw bad("D102", file.name, "the image is damaged: " + std::string(errors.message), "fetch it again, or leave it out");
  if (errors.ended && errors.starved)
    throw bad("D102", file.name, "the image is damaged: the file ends early", "fetch it again, or leave it out");
  return stored;
}

std::vector<std::uint8_t> encode_jpeg(const Image& image, int quality) {
  jpeg_compress_struct codec{};
  Errors errors;
  codec.err = set_up(errors);
  unsigned char* bytes = nullptr;
  unsigned long size = 0;
  const bool done = setjmp(errors.back) == 0;
  if (done) {
    jpeg_create_compress(&codec);
    jpeg_mem_dest(&codec, &bytes, &size);
    codec.image_width = static_cast<JDIMENSION>(image.width);
    codec.image_height = static_cast<JDIMENSION>(image.height);
    codec.input_components = 3;
    codec.in_color_space = JCS_RGB;
    jpeg_set_defaults(&codec);
    jpeg_set_quality(&codec, quality, TRUE);
    jpeg_start_compress(&codec, TRUE);
    while (codec.next_scanline < codec.image_height) {
      auto* row = const_cast<JSAMPLE*>(image.pixels.data()) + std::size_t{3} * codec.image_width * codec.next_scanline;
      jpeg_write_scanlines(&codec, &row, 1);
    }
    jpeg_finish_compress(&codec);
  }
  jpeg_destroy_compress(&codec);
  std::vector<std::uint8_t> result(bytes, bytes + (bytes != nullptr ? size : 0));
  std::free(bytes);
  if (!done) throw EnvironmentProblem("the image cannot be written as JPEG: " + std::string(errors.message));
  return result;
}

}  // namespace kit
