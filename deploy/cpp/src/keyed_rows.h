// Files of rows by 64-bit keys, mapped into memory: what common/table/keyed_rows.py writes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace kit {

class KeyedRows {
 public:
  // Raises EnvironmentProblem for a file that is missing, cut, damaged in its header or of another version. The digest of
  // the whole file is not read: the manifest of an export has compared it.
  explicit KeyedRows(const std::string& path);
  ~KeyedRows();
  KeyedRows(const KeyedRows&) = delete;
  KeyedRows& operator=(const KeyedRows&) = delete;

  std::size_t width() const { return width_; }
  std::size_t size() const { return count_; }
  // From now on the rows of keys that are not here follow from the key, as in training (see first_rows.h).
  void draw_others(float std, std::uint64_t seed) { drawn_ = true, std_ = std, seed_ = seed; }
  // Writes the rows of `count` keys to `rows`, [count, width]; the default, or what was drawn, for keys that are not here.
  void look_up(const std::uint64_t* keys, std::size_t count, float* rows) const;

 private:
  std::size_t place_of(std::uint64_t key) const;  // count_ where it is not here
  const std::uint8_t* memory_ = nullptr;
  std::size_t bytes_ = 0, count_ = 0, width_ = 0;
  unsigned bits_ = 1;
  bool half_ = false, drawn_ = false;
  float std_ = 0;
  std::uint64_t seed_ = 0;
  const std::uint32_t* first_ = nullptr;
  const std::uint64_t* keys_ = nullptr;
  const std::uint8_t* rows_ = nullptr;
  const float* default_ = nullptr;
};

}  // namespace kit
