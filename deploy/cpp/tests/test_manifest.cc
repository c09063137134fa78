#include <doctest/doctest.h>

#include "manifest.h"
#include "refusal.h"
#include "temporary.h"

namespace {

// of `weights` that hold "abc", as common/weights/manifest.py writes it
const char* const manifest = R"({
 "files": {
  "weights": {
   "sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
   "size": 3
  }
 },
 "schema": 1,
 "sha256": "265142790c3c3a7d17aa86347ee18b65013bc68539d077c146929c3364743aae"
}
)";

std::string whole() { return manifest; }

std::string said(const std::string& text, const std::string& weights) {
  const Temporary folder;
  folder.write("manifest.json", text);
  folder.write("weights", weights);
  return refusal([&] { kit::verify_manifest(folder.path("")); });
}

}  // namespace

TEST_CASE("files that are as they were written pass") { CHECK(said(whole(), "abc").empty()); }

TEST_CASE("a file that was cut, altered or lost is named") {
  CHECK(holds(said(whole(), "ab"), "weights: 2 bytes, but 3 were written"));
  CHECK(holds(said(whole(), "abd"), "its sha256 is not the one written"));
  const Temporary folder;
  folder.write("manifest.json", whole());
  CHECK(holds(refusal([&] { kit::verify_manifest(folder.path("")); }), "4 "));
}

TEST_CASE("a manifest that was altered is refused") {
  std::string text = whole();
  CHECK(holds(said(text.replace(text.find("\"size\": 3"), 9, "\"size\": 2"), "ab"), "does not match its own checksum"));
  CHECK(holds(said("{}", "abc"), "not a manifest"));
  CHECK(holds(said("[1", "abc"), "not a manifest"));
  const Temporary folder;
  CHECK(holds(refusal([&] { kit::verify_manifest(folder.path("")); }), "missing"));
}
