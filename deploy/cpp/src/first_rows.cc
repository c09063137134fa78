#include "first_rows.h"

#include <algorithm>

namespace kit {

std::uint64_t splitmix64(std::uint64_t value) {
  value += 0x9E3779B97F4A7C15u;
  value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9u;
  value = (value ^ (value >> 27)) * 0x94D049BB133111EBu;
  return value ^ (value >> 31);
}

void first_row(std::uint64_t key, std::size_t width, float std, std::uint64_t seed, float* row) {
  if (std == 0) {
    std::fill_n(row, width, 0.0f);
    return;
  }
  const std::uint64_t hashed = splitmix64(key), salt = splitmix64(seed);
  const float scale = static_cast<float>(1.7320508075688772 / 65536) * std;  // each factor is rounded, as in Python
  for (std::size_t column = 0; column < width; ++column) {
    const std::uint64_t drawn = splitmix64(hashed ^ ((column + 1) * 0x9E3779B97F4A7C15u + salt));
    const std::uint64_t total = (drawn & 0xFFFFu) + ((drawn >> 16) & 0xFFFFu) + ((drawn >> 32) & 0xFFFFu) + (drawn >> 48);
    row[column] = (static_cast<float>(total) - 131070.0f) * scale;
  }
}

}  // namespace kit
