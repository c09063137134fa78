// Whole files, and the names that were probably meant.
#pragma once

#include <string>
#include <vector>

#include "kit/kit.h"

namespace kit {

// The bytes of a file. Raises DataError, D104, as Python's `read_file`.
std::vector<std::uint8_t> read_file(const std::string& path);
void write_file(const std::string& path, const void* data, std::size_t size);  // raises EnvironmentProblem
// The name that was probably meant, at most a quarter of the letters away, or nothing.
std::string nearest(const std::string& word, const std::vector<std::string>& known);
// `; did you mean 'x'?`, or nothing.
std::string did_you_mean(const std::string& word, const std::vector<std::string>& known);
// A refusal of a datum as the commands write it: code, message, file, and what to do.
DataError bad(const std::string& code, const std::string& file, const std::string& message, const std::string& fix = "");
std::string lower(std::string text);

}  // namespace kit
