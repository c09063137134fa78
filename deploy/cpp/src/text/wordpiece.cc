// References: https://arxiv.org/abs/1810.04805, section 3; the normalizer and the offsets of the package tokenizers.
#include <algorithm>

#include "libraries.h"
#include "text/tokenizers.h"

namespace kit {
namespace {

constexpr std::size_t most_letters = 100;  // a longer word is unknown

// A text on its way through the normalizer, and which letter of the original each one comes from.
struct Traced {
  Letters letters;
  std::vector<int> sources;
  void add(char32_t letter, int source) {
    letters.push_back(letter);
    sources.push_back(source);
  }
};

// Without control characters, with spaces for all white space and around Chinese characters.
Traced cleaned(const Letters& text) {
  Traced found;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int source = static_cast<int>(i);
    if (bert::is_dropped(text[i])) continue;
    if (bert::is_space(text[i])) {
      found.add(' ', source);
    } else if (bert::is_chinese(text[i])) {
      found.add(' ', source), found.add(text[i], source), found.add(' ', source);
    } else {
      found.add(text[i], source);
    }
  }
  return found;
}

// Decomposed, marks in the order of their classes, then without marks. The letters that a decomposition begins with
// take the places of the original in turn; those it adds stay with the one before.
Traced without_marks(const Traced& text) {
  struct Part {
    char32_t letter;
    int combining;
    bool added;
  };
  std::vector<Part> parts;
  Letters few;
  for (const char32_t letter : text.letters) {
    few.clear();
    bert::append_decomposed(letter, few);
    for (std::size_t k = 0; k < few.size(); ++k) parts.push_back({few[k], bert::combining_class(few[k]), k > 0});
  }
  for (auto first = parts.begin(); first != parts.end();) {
    auto last = first;
    while (last != parts.end() && last->combining > 0) ++last;
    std::stable_sort(first, last, [](const Part& a, const Part& b) { return a.combining < b.combining; });
    first = last == parts.end() ? last : last + 1;
  }
  Traced found;
  std::size_t taken = 0;
  for (const Part& part : parts) {
    taken += !part.added;
    if (!bert::is_mark(part.letter)) found.add(part.letter, taken == 0 ? 0 : text.sources[taken - 1]);
  }
  return found;
}

Traced lowercased(const Traced& text) {
  Traced found;
  Letters few;
  for (std::size_t i = 0; i < text.letters.size(); ++i) {
    few.clear();
    bert::append_lowercase(text.letters[i], few);
    for (const char32_t letter : few) found.add(letter, text.sources[i]);
  }
  return found;
}

class WordPiece : public Tokenizer {
 public:
  WordPiece(const std::string& path, bool lowercase) : vocabulary_(path, "[UNK]"), lowercase_(lowercase) {
    for (std::size_t number = 0; number < vocabulary_.tokens().size(); ++number) {
      const std::string& token = vocabulary_.tokens()[number];
      const bool inner = token.rfind("##", 0) == 0;
      heads_.emplace(decode_utf8(token), static_cast<int>(number));
      if (inner) tails_.emplace(decode_utf8(token.substr(2)), static_cast<int>(number));
      longest_ = std::max(longest_, token.size());
    }
  }

  Pieces encode(const Letters& text) const override {
    Traced traced = cleaned(text);
    if (lowercase_) traced = lowercased(without_marks(traced));
    Pieces pieces;
    const Letters& letters = traced.letters;
    for (std::size_t start = 0; start < letters.size();) {
      std::size_t end = start + 1;
      if (!bert::is_space(letters[start])) {
        if (!bert::is_punctuation(letters[start]))
          while (end < letters.size() && !bert::is_space(letters[end]) && !bert::is_punctuation(letters[end])) ++end;
        add_word(traced, start, end, pieces);
      }
      start = end;
    }
    return pieces;
  }

  const Vocabulary& vocabulary() const override { return vocabulary_; }

 private:
  void add_word(const Traced& text, std::size_t start, std::size_t end, Pieces& pieces) const {
    const std::size_t before = pieces.ids.size();
    auto add = [&](int number, std::size_t from, std::size_t to) {
      pieces.ids.push_back(number);
      pieces.offsets.push_back({text.sources[from], text.sources[to - 1] + 1});
    };
    if (end - start <= most_letters) {
      std::size_t place = start;
      while (place < end) {
        const auto& known = place == start ? heads_ : tails_;
        Letters piece = text.letters.substr(place, std::min(end - place, longest_));
        auto found = known.end();
        while (!piece.empty() && (found = known.find(piece)) == known.end()) piece.pop_back();
        if (piece.empty()) break;
        add(found->second, place, place + piece.size());
        place += piece.size();
      }
      if (place == end) return;
      pieces.ids.resize(before);
      pieces.offsets.resize(before);
    }
    add(vocabulary_.unknown(), start, end);
  }

  Vocabulary vocabulary_;
  bool lowercase_;
  std::unordered_map<Letters, int> heads_, tails_;
  std::size_t longest_ = 0;
};

}  // namespace

std::unique_ptr<Tokenizer> make_wordpiece(const std::string& vocabulary, bool lowercase) {
  return std::make_unique<WordPiece>(vocabulary, lowercase);
}

std::unique_ptr<Tokenizer> make_sentencepiece(const std::string& model, const std::string& vocabulary, bool lowercase) {
  void* entry = load_entry("sentencepiece", KIT_SENTENCEPIECE_ENTRY,
                           "\n  fix: apt-get install --no-install-recommends libsentencepiece-dev, and build again");
  return std::unique_ptr<Tokenizer>(reinterpret_cast<decltype(&kit_make_sentencepiece)>(entry)(model, vocabulary, lowercase));
}

}  // namespace kit
