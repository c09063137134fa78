// Folders of published versions, as common/table/versions.py writes them: a folder for each, and a link `current`.
#pragma once

#include <string>

namespace kit {

// The folder of an export; of published versions the current one, by its own name, so that no later one takes its place
// halfway through.
std::string served_folder(const std::string& folder);

// The name of the version that the link `current` in `folder` leads to; empty where there is none.
std::string current_version(const std::string& folder);

}  // namespace kit
