// First values of the rows of embedding tables, from their keys alone; as common/table/first_rows.py.
#pragma once

#include <cstddef>
#include <cstdint>

namespace kit {

// SplitMix64's finalizer, as common/table/hash.py.
std::uint64_t splitmix64(std::uint64_t value);

// Writes the first values of the row of a key, [width]: a sum of four uniform numbers of the deviation `std`.
void first_row(std::uint64_t key, std::size_t width, float std, std::uint64_t seed, float* row);

}  // namespace kit
