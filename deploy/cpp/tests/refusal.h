#pragma once

#include <string>

#include "kit/kit.h"

// The exit code and message of the kit::Error that an action raises; empty where it raises none.
template <typename Action>
std::string refusal(Action action) {
  try {
    action();
  } catch (const kit::Error& error) {
    return std::to_string(error.exit_code) + " " + error.what();
  }
  return "";
}

inline bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }
