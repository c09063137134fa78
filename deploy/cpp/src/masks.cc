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

Pixels paste_mask(const double* cells, std::size_t side, const std::array<double, 4>& box, int height, int width,
                  double threshold) {
  Pixels pixels(static_cast<std::size_t>(height) * width);
  const Weights rows = weights_of(box[1], box[3], height, side), columns = weights_of(box[0], box[2], width, side);
  std::vector<double> line(side);
  for (int y = 0; y < rows.count && columns.count > 0; ++y) {
    for (std::size_t c = 0; c < side; ++c) {
      line[c] = 0;
      for (std::size_t r = 0; r < side; ++r) line[c] += rows.of_cells[y * side + r] * cells[r * side + c];
    }
    std::uint8_t* target = &pixels[static_cast<std::size_t>(rows.first + y) * width + columns.first];
    for (int x = 0; x < columns.count; ++x) {
      double sum = 0;
      for (std::size_t c = 0; c < side; ++c) sum += line[c] * columns.of_cells[x * side + c];
      target[x] = sum >= threshold;
    }
  }
  return pixels;
}

}  // namespace kit
