// Text files of an exported folder: lines, vocabularies, replacements, dictionaries.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "kit/kit.h"

namespace kit {

// The lines of a file, as Python's `read_lines`: without a byte-order mark, ends of lines and a last empty line. Raises
// DataError for a byte that is not UTF-8.
std::vector<std::string> read_text_lines(const std::string& path);
DataError vocabulary_error(const std::string& path, const std::string& message, std::size_t line = 0);

// Tokens with their numbers, of a file with a token, `id<tab>token` or `token<tab>id` per line.
class Vocabulary {
 public:
  // Raises DataError for a file without tokens, with one twice, or without `unknown`, which may be empty.
  Vocabulary(const std::string& path, const std::string& unknown, const std::vector<std::string>& added = {});
  Vocabulary(std::string path, std::vector<std::string> tokens, const std::string& unknown);

  int number(const std::string& token) const {
    const auto found = numbers_.find(token);
    return found == numbers_.end() ? unknown_ : found->second;
  }
  bool has(const std::string& token) const { return numbers_.count(token) > 0; }
  int need(const std::string& token) const;  // raises DataError
  int unknown() const { return unknown_; }   // -1: none
  const std::vector<std::string>& tokens() const { return tokens_; }

 private:
  void set_up(const std::string& unknown);
  std::string path_;
  std::vector<std::string> tokens_;
  std::unordered_map<std::string, int> numbers_;
  int unknown_ = -1;
};

// Lines `token<tab>replacement`; others are left out.
std::unordered_map<std::string, std::string> read_replacements(const std::string& path);

}  // namespace kit
