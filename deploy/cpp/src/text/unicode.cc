#include "text/unicode.h"

#include <algorithm>
#include <unordered_map>

namespace kit {
namespace {

#include "text/unicode_tables.inc"

// A class of code points: a bit for each of the first ones, ranges for the others.
class PointSet {
 public:
  template <std::size_t N>
  explicit PointSet(const std::int32_t (&table)[N]) : PointSet(table, table + N) {}
  PointSet(const std::int32_t* from, const std::int32_t* to) : common_(limit) {
    char32_t end = 0;
    for (; from < to; from += 2) {
      const char32_t first = end + static_cast<char32_t>(from[0]);
      end = first + static_cast<char32_t>(from[1]);
      ends_.push_back(end);
      firsts_.push_back(first);
      for (char32_t letter = first; letter < std::min(end, limit); ++letter) common_[letter] = true;
    }
  }
  bool has(char32_t letter) const {
    if (letter < limit) return common_[letter];
    const auto place = std::upper_bound(ends_.begin(), ends_.end(), letter) - ends_.begin();
    return place < static_cast<std::ptrdiff_t>(ends_.size()) && letter >= firsts_[static_cast<std::size_t>(place)];
  }

 private:
  static constexpr char32_t limit = 0x10000;
  std::vector<bool> common_;
  std::vector<char32_t> firsts_, ends_;
};

// A mapping of code points to texts; what it lacks is mapped to itself.
class PointMap {
 public:
  void add_runs(const std::int32_t* from, const std::int32_t* to) {
    std::int32_t key = 0;
    for (; from < to; from += 4) {
      key += from[0];
      for (std::int32_t k = 0; k < from[1]; ++k, key += from[2])
        texts_[static_cast<char32_t>(key)] = Letters(1, static_cast<char32_t>(key + from[3]));
      key -= from[2];
    }
  }
  void add_texts(const std::int32_t* from, const std::int32_t* to) {
    for (std::int32_t key = 0; from < to;) {
      key += *from++;
      const std::int32_t size = *from++;
      texts_[static_cast<char32_t>(key)] = Letters(from, from + size);
      from += size;
    }
  }
  void append(char32_t letter, Letters& to) const {
    const auto found = texts_.find(letter);
    if (found == texts_.end())
      to.push_back(letter);
    else
      to += found->second;
  }

 private:
  std::unordered_map<char32_t, Letters> texts_;
};

template <std::size_t N, std::size_t M>
PointMap lowercase_map(const std::int32_t (&runs)[N], const std::int32_t (&texts)[M]) {
  PointMap map;
  map.add_runs(runs, runs + N);
  map.add_texts(texts, texts + M);
  return map;
}

PointMap decomposition_map() {
  PointMap map;
  map.add_texts(std::begin(decomposed), std::end(decomposed));
  return map;
}

std::unordered_map<char32_t, int> combining_classes() {
  std::unordered_map<char32_t, int> classes;
  for (const std::int32_t* at = std::begin(combining); at < std::end(combining);) {
    const int number = *at++;
    const std::int32_t* const end = at + 1 + *at;
    char32_t letter = 0;
    for (++at; at < end; at += 2) {
      letter += static_cast<char32_t>(at[0]);
      for (std::int32_t k = 0; k < at[1]; ++k) classes.emplace(letter++, number);
    }
  }
  return classes;
}

constexpr char32_t sigma = 0x3a3, small_sigma = 0x3c3, final_sigma = 0x3c2;

// Whether a sigma ends its word: a cased letter stands before it and none behind it, but for ignorable ones between.
bool is_final(const Letters& text, std::size_t place) {
  static const PointSet cased(python_cased), ignorable(python_ignorable);
  std::size_t before = place, behind = place + 1;
  while (before > 0 && ignorable.has(text[before - 1])) --before;
  if (before == 0 || !cased.has(text[before - 1])) return false;
  while (behind < text.size() && ignorable.has(text[behind])) ++behind;
  return behind == text.size() || !cased.has(text[behind]);
}

}  // namespace

std::optional<std::size_t> not_utf8(const std::string& bytes) {
  for (std::size_t i = 0; i < bytes.size();) {
    const auto byte = [&](std::size_t at) { return at < bytes.size() ? static_cast<unsigned char>(bytes[at]) : 0u; };
    const unsigned lead = byte(i), next = byte(i + 1);
    if (lead < 0x80) {
      ++i;
      continue;
    }
    const std::size_t more = lead >= 0xc2 && lead < 0xe0 ? 1 : lead >= 0xe0 && lead < 0xf0 ? 2 : lead >= 0xf0 && lead < 0xf5 ? 3 : 0;
    bool valid = more > 0 && !(lead == 0xe0 && next < 0xa0) && !(lead == 0xed && next > 0x9f) &&
                 !(lead == 0xf0 && next < 0x90) && !(lead == 0xf4 && next > 0x8f);
    for (std::size_t k = 1; k <= more; ++k) valid = valid && (byte(i + k) & 0xc0) == 0x80;
    if (!valid) return i;
    i += more + 1;
  }
  return {};
}

std::string without_byte_order_mark(const std::string& bytes) {
  const std::string mark = "\xef\xbb\xbf";
  return bytes.rfind(mark, 0) == 0 ? bytes.substr(mark.size()) : bytes;
}

Letters decode_utf8(const std::string& bytes) {
  Letters letters;
  letters.reserve(bytes.size());
  for (std::size_t i = 0; i < bytes.size();) {
    const auto byte = [&](std::size_t at) { return static_cast<char32_t>(static_cast<unsigned char>(bytes[at])); };
    const char32_t lead = byte(i);
    const std::size_t more = lead < 0x80 ? 0 : lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
    char32_t letter = more == 0 ? lead : lead & (0x3f >> more);
    for (std::size_t k = 1; k <= more && i + k < bytes.size(); ++k) letter = letter << 6 | (byte(i + k) & 0x3f);
    letters.push_back(letter);
    i += more + 1;
  }
  return letters;
}

std::string encode_utf8(const char32_t* first, const char32_t* last) {
  std::string bytes;
  for (; first < last; ++first) {
    const char32_t letter = *first;
    if (letter < 0x80) {
      bytes += static_cast<char>(letter);
      continue;
    }
    const int more = letter < 0x800 ? 1 : letter < 0x10000 ? 2 : 3;
    bytes += static_cast<char>((0xf00 >> (more + 1) & 0xff) | letter >> 6 * more);
    for (int k = more - 1; k >= 0; --k) bytes += static_cast<char>(0x80 | (letter >> 6 * k & 0x3f));
  }
  return bytes;
}

std::string encode_utf8(const Letters& letters) { return encode_utf8(letters.data(), letters.data() + letters.size()); }

bool is_space(char32_t letter) {
  static const PointSet set(python_space);
  return set.has(letter);
}

bool is_word(char32_t letter) {
  static const PointSet set(python_word);
  return set.has(letter);
}

Letters lowercase(const Letters& text) {
  static const PointMap map = lowercase_map(python_lower, python_lower_texts);
  Letters lower;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == sigma)
      lower.push_back(is_final(text, i) ? final_sigma : small_sigma);
    else
      map.append(text[i], lower);
  }
  return lower;
}

Letters left_stripped(const Letters& text) {
  std::size_t first = 0;
  while (first < text.size() && is_space(text[first])) ++first;
  return text.substr(first);
}

Letters stripped(const Letters& text) {
  Letters kept = left_stripped(text);
  while (!kept.empty() && is_space(kept.back())) kept.pop_back();
  return kept;
}

std::vector<Letters> split_words(const Letters& text) {
  std::vector<Letters> words;
  bool inside = false;
  for (const char32_t letter : text) {
    if (is_space(letter)) {
      inside = false;
      continue;
    }
    if (!inside) words.emplace_back();
    words.back().push_back(letter);
    inside = true;
  }
  return words;
}

std::vector<Letters> split_at(const Letters& text, char32_t separator) {
  std::vector<Letters> fields(1);
  for (const char32_t letter : text) {
    if (letter == separator)
      fields.emplace_back();
    else
      fields.back().push_back(letter);
  }
  return fields;
}

namespace bert {

bool is_dropped(char32_t letter) {
  static const PointSet set(bert_dropped);
  return set.has(letter);
}

bool is_space(char32_t letter) {
  static const PointSet set(bert_space);
  return set.has(letter);
}

bool is_chinese(char32_t letter) {
  static const PointSet set(bert_chinese);
  return set.has(letter);
}

bool is_mark(char32_t letter) {
  static const PointSet set(bert_mark);
  return set.has(letter);
}

bool is_punctuation(char32_t letter) {
  static const PointSet set(bert_punctuation);
  return set.has(letter);
}

int combining_class(char32_t letter) {
  static const std::unordered_map<char32_t, int> classes = combining_classes();
  if (letter < 0x300) return 0;
  const auto found = classes.find(letter);
  return found == classes.end() ? 0 : found->second;
}

void append_lowercase(char32_t letter, Letters& to) {
  static const PointMap map = lowercase_map(bert_lower, bert_lower_texts);
  if (letter < 0x80) return to.push_back(letter >= 'A' && letter <= 'Z' ? letter + ('a' - 'A') : letter);
  map.append(letter, to);
}

void append_decomposed(char32_t letter, Letters& to) {
  static const PointMap map = decomposition_map();
  if (letter < 0xc0) return to.push_back(letter);
  if (letter < 0xac00 || letter > 0xd7a3) return map.append(letter, to);
  const char32_t place = letter - 0xac00;  // a syllable of Hangul is 21 x 28 vowels and ends
  to.push_back(0x1100 + place / 588);
  to.push_back(0x1161 + place % 588 / 28);
  if (place % 28 > 0) to.push_back(0x11a7 + place % 28);
}

}  // namespace bert
}  // namespace kit
