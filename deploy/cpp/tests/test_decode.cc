#include <doctest/doctest.h>

#include "decoders.h"
#include "files.h"
#include "refusal.h"
#include "temporary.h"

namespace {

kit::Image ramp(int height, int width) {
  kit::Image image{height, width, std::vector<std::uint8_t>(static_cast<std::size_t>(3) * height * width)};
  for (std::size_t i = 0; i < image.pixels.size(); ++i) image.pixels[i] = static_cast<std::uint8_t>(i * 7 % 251);
  return image;
}

kit::Image decode(const std::vector<std::uint8_t>& bytes, std::int64_t most = kit::pixel_limit) {
  return kit::decode_image(bytes.data(), bytes.size(), "x", most);
}

}  // namespace

TEST_CASE("a PNG comes back as it was written") {
  const kit::Image image = ramp(5, 7), again = decode(kit::encode_png(image));
  CHECK(again.height == 5);
  CHECK(again.width == 7);
  CHECK(again.pixels == image.pixels);
}

TEST_CASE("a JPEG comes back in its size") {
  const kit::Image again = decode(kit::encode_jpeg(ramp(33, 17)));
  CHECK(again.height == 33);
  CHECK(again.width == 17);
}

TEST_CASE("an image of too many pixels is refused from its header") {
  for (const auto& bytes : {kit::encode_png(ramp(100, 100)), kit::encode_jpeg(ramp(100, 100))}) {
    CHECK(holds(refusal([&] { decode(bytes, 9999); }), "D103"));
    CHECK(refusal([&] { decode(bytes, 10000); }).empty());
  }
}

TEST_CASE("an image cut short is refused") {
  for (const auto& bytes : {kit::encode_png(ramp(40, 40)), kit::encode_jpeg(ramp(40, 40))})
    for (std::size_t size = 0; size + 12 < bytes.size(); size += 37)
      CHECK(holds(refusal([&] { decode({bytes.begin(), bytes.begin() + size}); }), "3 "));
}

TEST_CASE("an image with any byte changed is decoded or refused, and nothing worse") {
  for (const auto& bytes : {kit::encode_png(ramp(12, 12)), kit::encode_jpeg(ramp(12, 12))})
    for (std::size_t at = 0; at < bytes.size(); ++at) {
      auto changed = bytes;
      changed[at] ^= 0x55;
      const std::string said = refusal([&] { decode(changed, 1 << 20); });
      CHECK((said.empty() || said[0] == '3'));
    }
}

TEST_CASE("what is no image is named by how it begins") {
  const std::string html = "<html><body>";
  CHECK(holds(refusal([&] { decode({html.begin(), html.end()}); }), "starts with '<html><body>'"));
  CHECK(holds(refusal([&] { decode({}); }), "0 bytes"));
  CHECK(holds(refusal([&] { decode({0, 1, 2, 3, 250}); }), "starts with the bytes 00 01 02 03 fa"));
}

TEST_CASE("an orientation is read in both byte orders, and rubbish is upright") {
  const std::string little("II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0", 22);
  const std::string big("MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x08\0\0", 22);
  auto value = [](const std::string& exif) {
    return kit::orientation_in_exif(reinterpret_cast<const std::uint8_t*>(exif.data()), exif.size());
  };
  CHECK(value(little) == 6);
  CHECK(value(big) == 8);
  for (std::size_t size = 0; size < little.size() - 2; ++size) CHECK(value(little.substr(0, size)) == 1);
  CHECK(value(std::string("II*\0\xff\xff\xff\xff", 8)) == 1);
}

TEST_CASE("a missing file is refused with the nearest name") {
  const Temporary folder;
  folder.write("street.jpg", "x");
  CHECK(holds(refusal([&] { kit::read_image(folder.path("stret.jpg")); }), "did you mean 'street.jpg'?"));
}

TEST_CASE("a PGM or PPM is read with values up to 255, and refused with others") {
  auto netpbm = [](const std::string& head, std::size_t bytes) {
    std::vector<std::uint8_t> file(head.begin(), head.end());
    for (std::size_t i = 0; i < bytes; ++i) file.push_back(static_cast<std::uint8_t>(7 * i));
    return file;
  };
  CHECK(decode(netpbm("P5\n# a comment 65535\n4 2\n255\n", 8)).pixels[3 * 5] == 35);
  CHECK(decode(netpbm("P6 2 2 255\n", 12)).pixels[7] == 49);
  for (const std::string kind : {"P5", "P6"})
    for (const std::string most : {"65535", "1023", "256", "100", "1", "0", "99999999999"})
      CHECK(holds(refusal([&] { decode(netpbm(kind + "\n4 4\n" + most + "\n", 96)); }), "3 "));
  CHECK(holds(refusal([&] { decode(netpbm("P5\n4 4\n65535\n", 32)); }), "values up to 65535"));
  for (const std::string head : {"P5\n", "P5\n4", "P6\n4 4\n", "P5 -4 4 255\n", "P6 4 4 x\n", "P5#"})
    CHECK(refusal([&] { decode(netpbm(head, 0)); })[0] == '3');
}
