#include "json.h"

#include <cstdio>
#include <cstdlib>

namespace kit {

std::string python_json(const Json& value, bool ascii) {
  if (!value.is_structured()) return value.dump(-1, ' ', ascii, Json::error_handler_t::replace);
  std::string text;
  for (const auto& [key, item] : value.items()) {
    if (!text.empty()) text += ", ";
    if (value.is_object()) text += python_json(Json(key), ascii) + ": ";
    text += python_json(item, ascii);
  }
  return value.is_object() ? "{" + text + "}" : "[" + text + "]";
}

std::string printable(const std::string& text) {
  std::string shown;
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto byte = [&](std::size_t at) { return at < text.size() ? static_cast<unsigned char>(text[at]) : 0u; };
    unsigned code = byte(i), length = 1;
    if (code == 0xc2) code = byte(i + 1), length = 2;  // U+0080 to U+00BF
    const bool directs = byte(i) == 0xe2 && (byte(i + 1) == 0x80 || byte(i + 1) == 0x81);
    if (directs) code = 0x2000 + (byte(i + 1) - 0x80) * 64 + (byte(i + 2) - 0x80), length = 3;
    const bool control = (length == 1 && (code < 0x20 || code == 0x7f) && code != '\n' && code != '\t') ||
                         (length == 2 && code < 0xa0) ||
                         (length == 3 && (code == 0x200e || code == 0x200f || (code >= 0x202a && code <= 0x202e) ||
                                          (code >= 0x2066 && code <= 0x2069)));
    if (!control) {
      shown += text[i];
      continue;
    }
    char escaped[16];
    std::snprintf(escaped, sizeof escaped, "\\u%04x", code);
    shown += escaped;
    i += length - 1;
  }
  return shown;
}

double rounded(double value, int places) {
  char text[400];
  std::snprintf(text, sizeof text, "%.*f", places, value);
  return std::strtod(text, nullptr);
}

}  // namespace kit
