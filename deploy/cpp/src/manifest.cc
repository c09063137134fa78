#include "manifest.h"

#include <openssl/evp.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <vector>

#include "json.h"
#include "kit/kit.h"

namespace kit {
namespace fs = std::filesystem;
namespace {

class Sha256 {
 public:
  Sha256() : context_(EVP_MD_CTX_new(), EVP_MD_CTX_free) { EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr); }
  void add(const char* data, std::size_t size) { EVP_DigestUpdate(context_.get(), data, size); }
  std::string hex() {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    EVP_DigestFinal_ex(context_.get(), digest, &size);
    std::string text;
    for (unsigned int i = 0; i < size; ++i) {
      text += "0123456789abcdef"[digest[i] >> 4];
      text += "0123456789abcdef"[digest[i] & 15];
    }
    return text;
  }

 private:
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
};

// nlohmann::json keeps keys sorted, as the manifest was written
nlohmann::json read_manifest(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream) throw EnvironmentProblem(file.string() + ": missing, the folder is not complete");
  const std::string text((std::istreambuf_iterator<char>(stream)), std::istreambuf_iterator<char>());
  nlohmann::json manifest;
  try {
    manifest = nlohmann::json::parse(text);
    const int schema = manifest.at("schema").get<int>();
    if (schema > 1)
      throw EnvironmentProblem(file.string() + ": written by a newer version (schema " + std::to_string(schema) +
                               ", this one reads up to 1)");
    nlohmann::json fields = manifest;
    fields.erase("sha256");
    Sha256 checksum;
    const std::string spelling = python_json(Json::parse(fields.dump()), true);
    checksum.add(spelling.data(), spelling.size());
    if (checksum.hex() != manifest.at("sha256").get<std::string>())
      throw EnvironmentProblem(file.string() + ": does not match its own checksum, the file is damaged");
    for (const auto& [name, entry] : manifest.at("files").items()) {
      if (name.empty() || name == "." || name == ".." || name.find('/') != std::string::npos)
        throw EnvironmentProblem(file.string() + ": lists a file outside its folder");
      entry.at("size").get<std::uintmax_t>();
      entry.at("sha256").get_ref<const std::string&>();
    }
  } catch (const nlohmann::json::exception& error) {
    throw EnvironmentProblem(file.string() + ": not a manifest (" + error.what() + ")");
  }
  return manifest;
}

void check(const fs::path& file, std::uintmax_t size, const std::string& sha256) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream) throw EnvironmentProblem(file.string() + ": " + std::strerror(errno));
  Sha256 checksum;
  std::uintmax_t read = 0;
  std::vector<char> piece(1 << 20);
  while (stream) {
    stream.read(piece.data(), static_cast<std::streamsize>(piece.size()));
    checksum.add(piece.data(), static_cast<std::size_t>(stream.gcount()));
    read += static_cast<std::uintmax_t>(stream.gcount());
  }
  if (read != size)
    throw EnvironmentProblem(file.string() + ": " + std::to_string(read) + " bytes, but " + std::to_string(size) +
                             " were written");
  if (checksum.hex() != sha256)
    throw EnvironmentProblem(file.string() + ": its sha256 is not the one written, the file is damaged or was edited");
}

}  // namespace

void verify_manifest(const std::string& folder) {
  const nlohmann::json manifest = read_manifest(fs::path(folder) / "manifest.json");
  for (const auto& [name, entry] : manifest["files"].items())
    check(fs::path(folder) / name, entry["size"].get<std::uintmax_t>(), entry["sha256"].get<std::string>());
}

std::string manifest_checksum(const std::string& folder) {
  return read_manifest(fs::path(folder) / "manifest.json").at("sha256").get<std::string>();
}

}  // namespace kit
