#include "text/tags.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <set>

#include "files.h"

namespace kit {
namespace {

const std::map<char, char> roles{{'B', 'B'}, {'I', 'I'}, {'M', 'I'}, {'E', 'E'}, {'L', 'E'}, {'S', 'S'}, {'U', 'S'}, {'W', 'S'}};
const std::vector<std::pair<std::string, std::string>> schemes{{"BIO", "BI"},     {"IOB1", "BI"},    {"BIOES", "BIES"},
                                                               {"BMES", "BMES"}, {"BILOU", "BILU"}, {"BMEWO", "BMEW"}};
constexpr int forms = 4;

// The letter and the type of a tag in a form; nothing if it has another one.
std::optional<Tag> split_tag(const std::string& label, int form) {
  const bool suffix = form % 2 == 1, small = form >= 2;
  if (label == "O" || (small && label == "o")) return Tag{'O', ""};
  const auto letter = [&](char c) { return small ? c >= 'a' && c <= 'z' : c >= 'A' && c <= 'Z'; };
  const auto upper = [](char c) { return static_cast<char>(std::toupper(static_cast<unsigned char>(c))); };
  if (label.size() == 1 && std::isalpha(static_cast<unsigned char>(label[0])))
    return letter(label[0]) ? std::optional<Tag>(Tag{upper(label[0]), ""}) : std::nullopt;
  if (label.size() < 3) return {};
  const char head = suffix ? label.back() : label[0], mark = suffix ? label[label.size() - 2] : label[1];
  if (!letter(head) || (mark != '-' && mark != '_')) return {};
  return Tag{upper(head), suffix ? label.substr(0, label.size() - 2) : label.substr(2)};
}

bool fits(const std::set<char>& heads, const std::string& letters) {
  return std::all_of(heads.begin(), heads.end(), [&](char head) { return letters.find(head) != std::string::npos; });
}

bool is_latin(const Letters& word) {  // letters and digits, perhaps with a label
  std::size_t plain = 0;
  while (plain < word.size() && word[plain] < 0x80 && std::isalnum(static_cast<int>(word[plain]))) ++plain;
  return plain > 0 && (plain == word.size() || (word[plain] == '/' && word.find(U'/', plain + 1) == Letters::npos));
}

// Why a line of the dictionary is of another tool's form; empty if it is fine.
std::string wrong_form(const Letters& line, const std::vector<Letters>& words, const Letters& separator) {
  if (line.find(U'\t') != Letters::npos && separator != U"\t") return "columns, separated by tabs";
  for (std::size_t k = 0; separator.empty() && k + 1 < words.size(); ++k)
    if (is_latin(words[k]) && is_latin(words[k + 1]))
      return "words of letters or digits side by side: a text has a blank between them, the phrase has none";
  for (const Letters& word : words)
    if (std::count(word.begin(), word.end(), U'/') > 1 && word.find(U'#') != Letters::npos && separator != U"#")
      return "'" + encode_utf8(word) + "' holds several labels";
  return "";
}

std::vector<Letters> words_of(const Letters& line, const Letters& separator) {
  if (separator.empty()) return split_words(line);
  std::vector<Letters> words;
  for (std::size_t start = 0; start <= line.size();) {
    const std::size_t end = std::min(line.find(separator, start), line.size());
    words.push_back(stripped(line.substr(start, end - start)));
    start = end + separator.size();
  }
  return words;
}

}  // namespace

TagScheme::TagScheme(const std::vector<std::string>& labels, const std::string& name) {
  std::set<char> heads;
  for (int form = 0; form < forms && form_ < 0 && name != "tokens"; ++form) {
    heads.clear();
    bool all = true;
    for (const std::string& label : labels) {
      const auto tag = split_tag(label, form);
      all = all && tag && (tag->role == 'O' || roles.count(tag->role) > 0);
      if (all) heads.insert(tag->role);
    }
    heads.erase('O');
    if (all && (heads.count('B') || heads.count('I') || heads.count('E'))) form_ = form;
  }
  if (form_ < 0) {
    if (!name.empty() && name != "tokens") throw ConfigError("postprocess.scheme is " + name + ", but the tags have no positions of it");
    for (const std::string& label : labels) tags_.push_back(label == "O" ? Tag{} : Tag{'S', label});
    return;
  }
  const bool found = std::any_of(schemes.begin(), schemes.end(), [&](const auto& scheme) {
    return (name.empty() || name == scheme.first) && fits(heads, scheme.second);
  });
  if (!found) throw ConfigError("the positions of the tags are not those of " + (name.empty() ? "one scheme" : "scheme " + name));
  for (const std::string& label : labels) {
    Tag tag = *split_tag(label, form_);
    if (tag.role != 'O') tag.role = roles.at(tag.role);
    tags_.push_back(tag.role == 'O' ? Tag{'O', tag.kind} : tag);
  }
}

bool begins_span(const Tag& tag, const Tag* before) {
  if (tag.role == 'O') return false;
  if (tag.role == 'B' || tag.role == 'S' || before == nullptr) return true;
  return before->role == 'O' || before->role == 'E' || before->role == 'S' || tag.kind != before->kind;
}

Phrases::Phrases(const std::string& path, const std::string& separator_text) {
  const Letters separator = decode_utf8(separator_text);
  std::size_t number = 0;
  for (const std::string& bytes : read_text_lines(path)) {
    const Letters line = decode_utf8(bytes);
    const std::vector<Letters> words = words_of(line, separator);
    const std::string place = path + ": line " + std::to_string(++number);
    if (const std::string problem = wrong_form(line, words, separator); !problem.empty()) throw bad("D124", place, problem);
    Letters text;
    Phrase phrase;
    for (const Letters& word : words) {
      if (word.empty()) continue;
      const std::size_t slash = word.rfind(U'/');
      const bool has_name = slash != Letters::npos && slash > 0;
      if (has_name && slash + 1 == word.size()) throw bad("D124", place, "'" + encode_utf8(word) + "' has no label");
      text += has_name ? word.substr(0, slash) : word;
      phrase.ends.push_back(text.size());
      phrase.kinds.push_back(has_name ? encode_utf8(word.substr(slash + 1)) : "");
    }
    if (text.size() > 1 || (text.size() == 1 && !phrase.kinds[0].empty())) {
      longest_ = std::max(longest_, text.size());
      phrases_[text] = phrase;
    }
  }
}

std::vector<Phrase> Phrases::find(const Letters& text) const {
  std::vector<Phrase> found;
  std::size_t last = 0;
  for (std::size_t start = 0; start < text.size() && !phrases_.empty(); ++start)
    for (std::size_t end = std::min(text.size(), start + longest_); end > std::max(last, start); --end) {
      const auto known = phrases_.find(text.substr(start, end - start));
      if (known == phrases_.end()) continue;
      Phrase phrase = known->second;
      phrase.start = start;
      for (std::size_t& word_end : phrase.ends) word_end += start;
      found.push_back(std::move(phrase));
      last = end;
      break;
    }
  return found;
}

}  // namespace kit
