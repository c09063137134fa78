// The schemes of tags, spans of texts, and phrases of a user that overrule them; the rules of common/text/tags.py, phrases.py.
#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "text/tokenizers.h"

namespace kit {

// The role of a tag (B, I, E, S or O) and its type, which is empty for a bare letter.
struct Tag {
  char role = 'O';
  std::string kind;
};

// The roles and types of a set of tags; `name` as in Python, empty: recognized. Raises ConfigError for tags of several schemes.
class TagScheme {
 public:
  TagScheme(const std::vector<std::string>& labels, const std::string& name);
  const std::vector<Tag>& tags() const { return tags_; }
  bool is_suffix() const { return form_ == 1 || form_ == 3; }

 private:
  int form_ = -1;  // prefix, suffix, and both in lowercase
  std::vector<Tag> tags_;
};

// Whether a tag begins a span behind the tag before it, null at the start (the rule of conlleval).
bool begins_span(const Tag& tag, const Tag* before);

struct Phrase {
  std::size_t start = 0;
  std::vector<std::size_t> ends;   // of its words in the text
  std::vector<std::string> kinds;  // of its words; empty: as found
};

// The phrases of a user's dictionary; the longest is taken of those that start in the same place.
class Phrases {
 public:
  Phrases() = default;
  Phrases(const std::string& path, const std::string& separator);  // an empty separator: blanks
  std::vector<Phrase> find(const Letters& text) const;

 private:
  std::unordered_map<Letters, Phrase> phrases_;
  std::size_t longest_ = 0;
};

}  // namespace kit
