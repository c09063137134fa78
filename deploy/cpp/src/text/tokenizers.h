// From a text to the numbers of its pieces: BERT's WordPiece and SentencePiece, equal to Python's packages.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "text/unicode.h"
#include "text/vocabulary.h"

namespace kit {

struct Span {
  int first = -1, end = -1;  // code points of a text; -1: none
};

struct Pieces {
  std::vector<int> ids;
  std::vector<Span> offsets;  // of WordPiece alone
};

class Tokenizer {
 public:
  virtual ~Tokenizer() = default;
  virtual Pieces encode(const Letters& text) const = 0;
  virtual const Vocabulary& vocabulary() const = 0;
};

// WordPiece as the package tokenizers has it: texts are cleaned, marks are stripped and letters are lowercased where
// `lowercase` is set, punctuation and Chinese characters are words of their own, and the longest pieces are taken.
// No library that Debian has does the same.
std::unique_ptr<Tokenizer> make_wordpiece(const std::string& vocabulary, bool lowercase);

// SentencePiece by its own library, which is loaded on demand. `vocabulary`: a file of other numbers; empty: those of the model.
// Raises EnvironmentProblem where the program was built without the library.
std::unique_ptr<Tokenizer> make_sentencepiece(const std::string& model, const std::string& vocabulary, bool lowercase);

}  // namespace kit

// What libkit_sentencepiece.so exports.
#define KIT_SENTENCEPIECE_ENTRY "kit_make_sentencepiece"
extern "C" kit::Tokenizer* kit_make_sentencepiece(const std::string& model, const std::string& vocabulary, bool lowercase);
