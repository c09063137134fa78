#include "run_length.h"

namespace kit {
namespace {

constexpr int more = 0x20, sign = 0x10, first = 48;  // bits of a character of the code, and the character of 0

void append(std::string& text, std::int64_t value) {
  for (bool goes_on = true; goes_on;) {
    const int bits = static_cast<int>(value & 0x1f);
    value >>= 5;
    goes_on = value != (bits & sign ? -1 : 0);
    text += static_cast<char>((goes_on ? bits | more : bits) + first);
  }
}

}  // namespace

Mask encode_mask(const std::vector<std::uint8_t>& inside, int height, int width) {
  std::vector<std::int64_t> runs;
  std::int64_t run = 0;
  bool current = false;
  for (int column = 0; column < width; ++column)
    for (int row = 0; row < height; ++row) {
      const bool here = inside[static_cast<std::size_t>(row) * width + column] != 0;
      if (here != current) {
        runs.push_back(run);
        run = 0;
        current = here;
      }
      ++run;
    }
  runs.push_back(run);
  Mask mask{height, width, {}};
  for (std::size_t k = 0; k < runs.size(); ++k) append(mask.counts, runs[k] - (k > 2 ? runs[k - 2] : 0));
  return mask;
}

std::vector<std::uint8_t> decode_mask(const Mask& mask) {
  std::vector<std::uint8_t> inside(static_cast<std::size_t>(mask.height) * mask.width);
  std::vector<std::int64_t> runs;
  std::int64_t value = 0;
  std::size_t at = 0;
  int shift = 0;
  for (const char letter : mask.counts) {
    const int bits = letter - first;
    if (bits < 0 || bits >= 64 || shift > 30) throw DataError("a run-length code has a character that is none");
    value |= static_cast<std::int64_t>(bits & 0x1f) << shift;
    shift += 5;
    if (bits & more) continue;
    if (bits & sign) value -= std::int64_t{1} << shift;
    const std::size_t k = runs.size();
    runs.push_back(value + (k > 2 ? runs[k - 2] : 0));
    if (runs[k] < 0 || runs[k] > static_cast<std::int64_t>(inside.size() - at))
      throw DataError("a run-length code covers more than its mask");
    for (const std::size_t end = at + static_cast<std::size_t>(runs[k]); at < end; ++at)
      inside[at % mask.height * mask.width + at / mask.height] = k % 2;
    value = shift = 0;
  }
  if (shift != 0 || at != inside.size()) throw DataError("a run-length code covers less than its mask");
  return inside;
}

}  // namespace kit
