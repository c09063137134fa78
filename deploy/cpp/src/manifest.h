// manifest.json of an exported folder: the size and sha256 of every file.
#pragma once

#include <string>

namespace kit {

// Reads every file against the manifest. Raises EnvironmentProblem, which names the file: a predictor would run
// without its weights, or on altered ones, and return garbage.
void verify_manifest(const std::string& folder);

// The checksum that manifest.json gives of itself, which names a folder's contents.
std::string manifest_checksum(const std::string& folder);

}  // namespace kit
