// The library of Debian is older than Python's package: of segmentations with equal scores it takes another one. What it is
// used for is the normalization, BPE, and all that is not unigram; the best segmentation of a unigram model is sought here.
#include <sentencepiece_processor.h>

#include <algorithm>
#include <cstring>
#include <limits>

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

// Calls `use(field, number, bytes)` for the fields of a protobuf message; bytes are those of strings, messages and floats.
template <typename Use>
void each_field(const std::string& message, Use use) {
  std::size_t at = 0;
  const auto varint = [&] {
    std::uint64_t value = 0;
    for (int shift = 0; at < message.size() && shift < 64; shift += 7) {
      const auto byte = static_cast<unsigned char>(message[at++]);
      value |= std::uint64_t{byte & 0x7fu} << shift;
      if (byte < 0x80) break;
    }
    return value;
  };
  while (at < message.size()) {
    const std::uint64_t key = varint(), kind = key & 7, number = kind == 0 ? varint() : 0;
    const std::uint64_t size = kind == 2 ? varint() : kind == 1 ? 8 : kind == 5 ? 4 : 0;
    if ((kind > 2 && kind != 5) || size > message.size() - at) return;  // the library has read it: it is well formed
    use(key >> 3, number, message.substr(at, size));
    at += size;
  }
}

// The pieces of a unigram model with their scores; finds the best segmentation of a normalized text (Viterbi), in floats and
// with the first of equal ones, as Python's package does.
class Unigram {
 public:
  explicit Unigram(const std::string& model) {
    enum { normal = 1, unknown = 2, control = 3, chosen = 4, unused = 5, byte = 6 };
    float least = std::numeric_limits<float>::max(), most = std::numeric_limits<float>::lowest();
    std::vector<std::string> chosen_pieces;
    each_field(model, [&](std::uint64_t field, std::uint64_t, const std::string& part) {
      std::string piece;
      float score = 0;
      std::uint64_t type = normal;
      each_field(part, [&](std::uint64_t inner, std::uint64_t number, const std::string& bytes) {
        if (field == 2 && inner == 3) is_unigram_ = number == 1;
        if (field == 1 && inner == 1) piece = bytes;
        if (field == 1 && inner == 2 && bytes.size() == sizeof score) std::memcpy(&score, bytes.data(), sizeof score);
        if (field == 1 && inner == 3) type = number;
      });
      if (field != 1) return;
      if (type == byte) has_bytes_ = true;
      if (type == chosen) chosen_pieces.push_back(piece);
      if (type != normal) return;
      add(piece, score);
      least = std::min(least, score), most = std::max(most, score);
    });
    for (const std::string& piece : chosen_pieces) add(piece, static_cast<float>(piece.size()) * most - 0.1f);
    unknown_ = least - 10.0f;
  }

  bool decides() const { return is_unigram_ && !has_bytes_; }

  // The pieces of a text; unknown letters side by side are one.
  std::vector<std::string> segment(const Letters& text) const {
    struct Best {
      float score = std::numeric_limits<float>::lowest();
      std::size_t start = 0;
      bool known = false, reached = false;
    };
    std::vector<Best> best(text.size() + 1);
    best[0] = {0, 0, true, true};
    for (std::size_t start = 0; start < text.size(); ++start) {
      const auto offer = [&](std::size_t end, float score, bool known) {
        const float sum = score + best[start].score;
        if (!best[end].reached || sum > best[end].score) best[end] = {sum, start, known, true};
      };
      bool single = false;
      Letters piece;
      for (std::size_t end = start + 1; end <= std::min(text.size(), start + longest_); ++end) {
        piece.push_back(text[end - 1]);
        const auto found = scores_.find(piece);
        if (found == scores_.end()) continue;
        single = single || end == start + 1;
        offer(end, found->second, true);
      }
      if (!single) offer(start + 1, unknown_, false);
    }
    std::vector<std::pair<Letters, bool>> pieces;  // from the last to the first
    for (std::size_t end = text.size(); end > 0; end = best[end].start) {
      const Letters piece = text.substr(best[end].start, end - best[end].start);
      if (!best[end].known && !pieces.empty() && !pieces.back().second)
        pieces.back().first = piece + pieces.back().first;
      else
        pieces.emplace_back(piece, best[end].known);
    }
    std::vector<std::string> found;
    for (auto piece = pieces.rbegin(); piece != pieces.rend(); ++piece) found.push_back(encode_utf8(piece->first));
    return found;
  }

 private:
  void add(const std::string& piece, float score) {
    const Letters letters = decode_utf8(piece);
    scores_.emplace(letters, score);
    longest_ = std::max(longest_, letters.size());
  }

  std::unordered_map<Letters, float> scores_;
  std::size_t longest_ = 0;
  float unknown_ = 0;
  bool is_unigram_ = true, has_bytes_ = false;
};

std::string content_of(const std::string& path) {
  const std::vector<std::uint8_t> bytes = read_file(path);
  return {bytes.begin(), bytes.end()};
}

class SentencePiece : public Tokenizer {
 public:
  SentencePiece(const std::string& model, const std::string& vocabulary, bool lowercase)
      : processor_(load(model)),
        unigram_(content_of(model)),
        vocabulary_(vocabulary.empty() ? of_model(model) : Vocabulary(vocabulary, "[UNK]")),
        lowercase_(lowercase) {}

  Pieces encode(const Letters& text) const override {
    std::vector<std::string> found;
    const auto done = processor_->Encode(encode_utf8(lowercase_ ? lowercase_of_same_length(text) : text), &found);
    if (!done.ok()) throw DataError("error[D122] SentencePiece refuses the text: " + done.ToString());
    if (unigram_.decides()) {
      std::string normalized;
      for (const std::string& piece : found) normalized += piece;
      found = unigram_.segment(decode_utf8(normalized));
    }
    Pieces pieces;
    for (const std::string& piece : found) pieces.ids.push_back(vocabulary_.number(piece));
    return pieces;
  }

  const Vocabulary& vocabulary() const override { return vocabulary_; }

 private:
  static std::unique_ptr<sentencepiece::SentencePieceProcessor> load(const std::string& path) {
    auto processor = std::make_unique<sentencepiece::SentencePieceProcessor>();
    const auto done = processor->LoadFromSerializedProto(content_of(path));
    if (!done.ok()) throw bad("D122", path, "not a SentencePiece model: " + done.ToString());
    return processor;
  }

  Vocabulary of_model(const std::string& path) const {
    std::vector<std::string> tokens;
    for (int k = 0; k < processor_->GetPieceSize(); ++k) tokens.push_back(processor_->IdToPiece(k));
    return Vocabulary(path, tokens, tokens.at(static_cast<std::size_t>(processor_->unk_id())));
  }

  std::unique_ptr<sentencepiece::SentencePieceProcessor> processor_;
  Unigram unigram_;
  Vocabulary vocabulary_;
  bool lowercase_;
};

}  // namespace
}  // namespace kit

extern "C" kit::Tokenizer* kit_make_sentencepiece(const std::string& model, const std::string& vocabulary, bool lowercase) {
  return new kit::SentencePiece(model, vocabulary, lowercase);
}
