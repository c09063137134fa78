// A program of your own: the predictions of texts, one per line of standard input. See ../README.md for how to build it.
#include <iostream>
#include <kit/kit.h>

int main(int count, char** words) {
  if (count != 2) return std::cerr << "read_texts EXPORTED_DIR < TEXTS\n", 2;
  try {
    const kit::TextModel model(words[1]);
    for (std::string line; std::getline(std::cin, line);)
      for (const kit::Record& found : model.predict(line))
        std::cout << found.label << '\t' << found.text.value_or(std::to_string(found.score)) << '\n';
  } catch (const kit::Error& error) {
    std::cerr << error.what() << '\n';
    return error.exit_code;
  }
}
