#include <sentencepiece_processor.h>

#include "files.h"
#include "text/tokenizers.h"

namespace kit {
namespace {

// Letter by letter where the whole text would change its length, as Python's `lowercase_text`.
Letters lowercase_of_same_length(const Letters& text) {
  Letters lower = lowercase(text);
  if (lower.size() == text.size()) return lower;
  lower = text;
  for (std::size_t i = 0; i < text.size(); ++i)
    if (const Letters one = lowercase(Letters(1, text[i])); one.size() == 1) lower[i] = one[0];
  return lower;
}

class SentencePiece : public Tokenizer {
 public:
  SentencePiece(const std::string& model, const std::string& vocabulary, bool lowercase)
      : processor_(load(model)), vocabulary_(vocabulary.empty() ? of_model(model) : Vocabulary(vocabulary, "[UNK]")),
        lowercase_(lowercase) {}

  Pieces encode(const Letters& text) const override {
    std::vector<std::string> found;
    const auto done = processor_->Encode(encode_utf8(lowercase_ ? lowercase_of_same_length(text) : text), &found);
    if (!done.ok()) throw DataError("error[D122] SentencePiece refuses the text: " + done.ToString());
    Pieces pieces;
    for (const std::string& piece : found) pieces.ids.push_back(vocabulary_.number(piece));
    return pieces;
  }

  const Vocabulary& vocabulary() const override { return vocabulary_; }

 private:
  static std::unique_ptr<sentencepiece::SentencePieceProcessor> load(const std::string& path) {
    const std::vector<std::uint8_t> bytes = read_file(path);
    auto processor = std::make_unique<sentencepiece::SentencePieceProcessor>();
    const auto done = processor->LoadFromSerializedProto(std::string(bytes.begin(), bytes.end()));
    if (!done.ok()) throw bad("D122", path, "not a SentencePiece model: " + done.ToString());
    return processor;
  }

  Vocabulary of_model(const std::string& path) const {
    std::vector<std::string> tokens;
    for (int k = 0; k < processor_->GetPieceSize(); ++k) tokens.push_back(processor_->IdToPiece(k));
    return Vocabulary(path, tokens, tokens.at(static_cast<std::size_t>(processor_->unk_id())));
  }

  std::unique_ptr<sentencepiece::SentencePieceProcessor> processor_;
  Vocabulary vocabulary_;
  bool lowercase_;
};

}  // namespace
}  // namespace kit

extern "C" kit::Tokenizer* kit_make_sentencepiece(const std::string& model, const std::string& vocabulary, bool lowercase) {
  return new kit::SentencePiece(model, vocabulary, lowercase);
}
