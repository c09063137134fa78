// A program of your own: counts what a detector finds in each image. See ../README.md for how to build it elsewhere.
#include <cstdio>
#include <kit/kit.h>
#include <map>

int main(int count, char** words) {
  if (count < 3) return std::fprintf(stderr, "count_objects EXPORTED_DIR IMAGE...\n"), 2;
  try {
    const kit::Model model(words[1]);
    for (int i = 2; i < count; ++i) {
      std::map<std::string, int> seen;
      for (const kit::Record& found : model.predict(kit::read_image(words[i]), 0.5)) ++seen[found.label];
      std::printf("%s:", words[i]);
      for (const auto& [label, times] : seen) std::printf(" %d x %s", times, label.c_str());
      std::printf("\n");
    }
  } catch (const kit::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return error.exit_code;
  }
}
