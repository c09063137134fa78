// Parts of the program that are libraries of their own, beside libkit.so, and loaded when they are asked for: what they link
// holds symbols of the same names, such as the protobuf of PaddlePaddle and of SentencePiece.
#pragma once

#include <string>

namespace kit {

// The function `entry` of libkit_<name>.so. Raises EnvironmentProblem where the library was not built, with `advice`.
void* load_entry(const std::string& name, const char* entry, const std::string& advice);

}  // namespace kit
