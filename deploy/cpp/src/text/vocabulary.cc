#include "text/vocabulary.h"

#include <algorithm>
#include <cctype>

#include "files.h"
#include "text/unicode.h"

namespace kit {
namespace {

bool is_number(const std::string& text) {
  return !text.empty() && text.size() < 10 && std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isdigit(c); });
}

// The tokens of lines that all have a number beside a token, in the order of the numbers; nothing for other lines.
std::vector<std::string> numbered(const std::string& path, const std::vector<std::string>& lines) {
  for (const bool first : {true, false}) {
    std::vector<std::string> tokens(lines.size());
    std::vector<bool> seen(lines.size());
    std::size_t line = 0;
    for (; line < lines.size(); ++line) {
      const std::size_t tab = lines[line].find('\t');
      if (tab == std::string::npos || lines[line].find('\t', tab + 1) != std::string::npos) return {};
      const std::string left = lines[line].substr(0, tab), right = lines[line].substr(tab + 1);
      if (!is_number(first ? left : right)) break;
      const std::size_t number = std::stoul(first ? left : right);
      if (number >= lines.size() || seen[number])
        throw vocabulary_error(path, "has the id " + std::to_string(number) + " twice or beyond its lines", line + 1);
      seen[number] = true;
      tokens[number] = first ? right : left;
    }
    if (line == lines.size()) return tokens;
  }
  return {};
}

}  // namespace

std::vector<std::string> read_text_lines(const std::string& path) {
  const std::vector<std::uint8_t> bytes = read_file(path);
  const std::string text = without_byte_order_mark({bytes.begin(), bytes.end()});
  if (const auto wrong = not_utf8(text)) {
    const auto line = std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(*wrong), '\n') + 1;
    throw bad("D131", path + ": line " + std::to_string(line), "a byte is not valid utf-8", "save the file as UTF-8");
  }
  std::vector<std::string> lines;
  for (std::size_t start = 0; start < text.size();) {
    const std::size_t end = std::min(text.find('\n', start), text.size());
    lines.push_back(text.substr(start, end - start - (end > start && text[end - 1] == '\r')));
    start = end + 1;
  }
  return lines;
}

DataError vocabulary_error(const std::string& path, const std::string& message, std::size_t line) {
  return bad("D122", path + (line > 0 ? ": line " + std::to_string(line) : ""), "the vocabulary " + message);
}

Vocabulary::Vocabulary(const std::string& path, const std::string& unknown, const std::vector<std::string>& added) : path_(path) {
  const std::vector<std::string> lines = read_text_lines(path);
  if (lines.empty()) throw vocabulary_error(path, "is empty");
  tokens_ = numbered(path, lines);
  if (tokens_.empty()) tokens_ = lines;
  set_up("");
  for (const std::string& token : added)
    if (!has(token)) tokens_.push_back(token);
  set_up(unknown);
}

Vocabulary::Vocabulary(std::string path, std::vector<std::string> tokens, const std::string& unknown)
    : path_(std::move(path)), tokens_(std::move(tokens)) {
  set_up(unknown);
}

void Vocabulary::set_up(const std::string& unknown) {
  for (std::size_t number = numbers_.size(); number < tokens_.size(); ++number)
    if (!numbers_.emplace(tokens_[number], static_cast<int>(number)).second)
      throw vocabulary_error(path_, "has the duplicate token '" + tokens_[number] + "'", number + 1);
  if (!unknown.empty()) unknown_ = need(unknown);
}

int Vocabulary::need(const std::string& token) const {
  const auto found = numbers_.find(token);
  if (found == numbers_.end()) throw vocabulary_error(path_, "has no '" + token + "', which the tokenizer requires");
  return found->second;
}

std::unordered_map<std::string, std::string> read_replacements(const std::string& path) {
  std::unordered_map<std::string, std::string> found;
  for (const std::string& line : read_text_lines(path)) {
    const std::size_t tab = line.find('\t');
    if (tab != std::string::npos && line.find('\t', tab + 1) == std::string::npos)
      found[line.substr(0, tab)] = line.substr(tab + 1);
  }
  return found;
}

}  // namespace kit
