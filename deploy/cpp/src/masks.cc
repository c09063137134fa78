#include "masks.h"

#include <algorithm>
#include <cmath>

namespace kit {
namespace {

// Weights of the cells for each pixel of the interval [low, high] within an axis of `size` pixels, from pixel `first` on.
struct Weights {
  int first = 0, count = 0;
  std::vector<double> of_cells;  // [count, cells]
};

Weights weights_of(double low, double high, int size, std::size_t cells) {
  Weights weights;
  const double first = std::max(std::floor(low), 0.0), last = std::min(std::ceil(high), static_cast<double>(size));
  if (!(high > low) || !(last > first)) return weights;
  weights.first = static_cast<int>(first);
  weights.count = static_cast<int>(last - first);
  for (int i = 0; i < weights.count; ++i) {
    const double at = (weights.first + i + 0.5 - low) / (high - low) * static_cast<double>(cells) - 0.5;
    for (std::size_t cell = 0; cell < cells; ++cell)
      weights.of_cells.push_back(std::max(0.0, 1 - std::abs(at - static_cast<double>(cell))));
  }
  return weights;
}

}  // namespace

std::string encode_runs(const std::vector<std::int64_t>& counts) {
  std::string text;
  for (std::size_t k = 0; k < counts.size(); ++k) {
    std::int64_t value = counts[k] - (k > 2 ? counts[k - 2] : 0);
    for (bool more = true; more;) {
      const std::int64_t bits = value & 0x1f;
      value >>= 5;
      more = value != ((bits & 0x10) ? -1 : 0);
      text += static_cast<char>((more ? bits | 0x20 : bits) + 48);
    }
  }
  return text;
}

Mask encode_mask(const Pixels& pixels, Size size) {
  std::vector<std::int64_t> counts{0};
  std::uint8_t last = 0;
  for (int x = 0; x < size.width; ++x)  // column by column
    for (int y = 0; y < size.height; ++y) {
      const std::uint8_t value = pixels[static_cast<std::size_t>(y) * size.width + x];
      if (value != last) counts.push_back(0), last = value;
      ++counts.back();
    }
  return {size, encode_runs(counts)};
}

Pixels decode_mask(const Mask& mask) {
  const Size size = mask.size;
  Pixels pixels(static_cast<std::size_t>(size.height) * size.width);
  std::vector<std::int64_t> counts;
  std::int64_t value = 0, at = 0;
  int shift = 0;
  std::uint8_t inside = 0;
  for (char letter : mask.counts) {
    const std::int64_t bits = letter - 48;
    value |= (bits & 0x1f) << shift;
    shift += 5;
    if (bits & 0x20) continue;
    if (bits & 0x10) value -= std::int64_t{1} << shift;
    if (counts.size() > 2) value += counts[counts.size() - 2];
    counts.push_back(value);
    const std::int64_t end = std::min(at + std::max<std::int64_t>(value, 0), static_cast<std::int64_t>(pixels.size()));
    for (; at < end; ++at)
      pixels[static_cast<std::size_t>(at % size.height) * size.width + static_cast<std::size_t>(at / size.height)] = inside;
    inside = !inside;
    value = 0;
    shift = 0;
  }
  return pixels;
}

Pixels paste_mask(const double* cells, std::size_t side, const std::array<double, 4>& box, Size size, double threshold) {
  Pixels pixels(static_cast<std::size_t>(size.height) * size.width);
  const Weights rows = weights_of(box[1], box[3], size.height, side), columns = weights_of(box[0], box[2], size.width, side);
  std::vector<double> line(side);
  for (int y = 0; y < rows.count && columns.count > 0; ++y) {
    for (std::size_t c = 0; c < side; ++c) {
      line[c] = 0;
      for (std::size_t r = 0; r < side; ++r) line[c] += rows.of_cells[y * side + r] * cells[r * side + c];
    }
    std::uint8_t* target = &pixels[static_cast<std::size_t>(rows.first + y) * size.width + columns.first];
    for (int x = 0; x < columns.count; ++x) {
      double sum = 0;
      for (std::size_t c = 0; c < side; ++c) sum += line[c] * columns.of_cells[x * side + c];
      target[x] = sum >= threshold;
    }
  }
  return pixels;
}

}  // namespace kit
