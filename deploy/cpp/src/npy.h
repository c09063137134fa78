// NumPy's files: .npy, and .npz with stored or deflated members.
#pragma once

#include <string>

#include "kit/kit.h"

namespace kit {

// Both raise DataError, which names the file (and the member) and what is wrong.
Tensor read_npy(const std::string& path);
Tensors read_npz(const std::string& path);
Tensor parse_npy(const std::uint8_t* data, std::size_t size, const std::string& name);

void write_npy(const std::string& path, const Tensor& tensor);
void write_npz(const std::string& path, const Tensors& tensors);

}  // namespace kit
