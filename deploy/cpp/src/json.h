// JSON in the spelling of Python's json.dumps.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace kit {

using Json = nlohmann::ordered_json;

// `ascii`: other characters are written as \u escapes. Bytes that are no UTF-8 become U+FFFD.
std::string python_json(const Json& value, bool ascii = false);
std::string printable(const std::string& text);  // control characters, which names may hold, as in JSON: \u001b
double rounded(double value, int places);  // as Python's round()

}  // namespace kit
