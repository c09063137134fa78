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

double rounded(double value, int places) {
  char text[400];
  std::snprintf(text, sizeof text, "%.*f", places, value);
  return std::strtod(text, nullptr);
}

}  // namespace kit
