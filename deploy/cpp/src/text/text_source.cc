#include "text/text_source.h"

#include <algorithm>
#include <iostream>

#include "files.h"

namespace kit {
namespace {

const std::map<std::string, std::string> known_columns{{"text_a", "text_a"},     {"text", "text_a"},      {"sentence", "text_a"},
                                                       {"sentence1", "text_a"}, {"text_b", "text_b"},    {"sentence2", "text_b"},
                                                       {"question", "question"}, {"context", "context"}};
const std::set<std::string> unread_columns{"label", "labels", "qid", "id"};
constexpr char32_t tokens_mark = 2;  // between the characters and between the tags of LAC's files
constexpr std::size_t looked_at = 1000, shown = 60;

std::string start_of(const Letters& text, std::size_t most = shown) { return encode_utf8(text.substr(0, most)); }

bool is_gb18030(const std::string& bytes) {
  const auto in = [&](std::size_t at, unsigned from, unsigned to) {
    return at < bytes.size() && static_cast<unsigned char>(bytes[at]) >= from && static_cast<unsigned char>(bytes[at]) <= to;
  };
  for (std::size_t i = 0; i < bytes.size();) {
    if (in(i, 0, 0x7f))
      i += 1;
    else if (in(i, 0x81, 0xfe) && (in(i + 1, 0x40, 0x7e) || in(i + 1, 0x80, 0xfe)))
      i += 2;
    else if (in(i, 0x81, 0xfe) && in(i + 1, 0x30, 0x39) && in(i + 2, 0x81, 0xfe) && in(i + 3, 0x30, 0x39))
      i += 4;
    else
      return false;
  }
  return true;
}

bool is_utf16(const std::string& bytes) { return bytes.rfind("\xff\xfe", 0) == 0 || bytes.rfind("\xfe\xff", 0) == 0; }

// The message of the byte at which a text stops being UTF-8.
std::string wrong_byte(const std::string& bytes, std::size_t place) {
  char code[64];
  std::snprintf(code, sizeof code, "byte 0x%02x is not valid utf-8", static_cast<unsigned char>(bytes[place]));
  return code;
}

bool is_label(const Letters& field, const std::set<std::string>& labels) {
  for (const Letters& part : split_at(field, tokens_mark))
    if (labels.count(encode_utf8(stripped(part))) == 0) return false;
  return true;
}

// The texts of a line of JSON as in the files of training.
std::map<std::string, Letters> read_object(const Letters& line) {
  std::string problem;
  const Json row = parse_object(line, &problem);
  if (row.is_discarded()) throw BadText("D118", "not valid JSON: " + problem, start_of(line));
  std::map<std::string, Letters> found;
  for (const char* key : {"text_a", "text_b"}) {
    if (!row.is_object() || !row.contains(key)) continue;
    if (!row[key].is_string()) throw BadText("D113", std::string(key) + " is not a string", start_of(line));
    found[key] = decode_utf8(row[key].get<std::string>());
  }
  if (found.count("text_a") == 0) throw BadText("D113", "has no text_a", start_of(line));
  return found;
}

// The keys of what a task reads of a line with two texts, or of one where it refuses two.
std::set<std::string> keys_of_two(const TextTask& task) {
  std::set<std::string> keys;
  try {
    for (const auto& [key, text] : task.read_line(U"first\tsecond")) keys.insert(key);
  } catch (const DataError&) {
    keys = {"text_a"};
  }
  return keys;
}

// Raises BadText for a second text that the task would not read.
void refuse_second(const std::map<std::string, Letters>& texts, const Letters& line, const TextTask& task) {
  if (texts.count("text_b") > 0 && keys_of_two(task).count("text_b") == 0)
    throw BadText("D118", "two texts (text_b), but this model reads one text per line", start_of(line));
}

// Puts spaces in the place of control characters; whether there was one.
bool replace_controls(Letters& text) {
  const auto is_control = [](char32_t letter) {
    return (letter < 0x20 && letter != '\t' && letter != '\n' && letter != '\r') || letter == 0x7f;
  };
  const bool any = std::any_of(text.begin(), text.end(), is_control);
  std::replace_if(text.begin(), text.end(), is_control, U' ');
  return any;
}

}  // namespace

Json parse_object(const Letters& text, std::string* problem) {
  std::vector<std::set<std::string>> keys;
  std::string twice;
  const auto watch = [&](int, Json::parse_event_t event, Json& value) {
    if (event == Json::parse_event_t::object_start) keys.emplace_back();
    if (event == Json::parse_event_t::object_end) keys.pop_back();
    if (event == Json::parse_event_t::key && !keys.back().insert(value.get<std::string>()).second) twice = value.get<std::string>();
    return true;
  };
  Json found;
  std::string message;
  try {
    found = Json::parse(encode_utf8(text), watch);
  } catch (const Json::parse_error& error) {
    message = "character " + std::to_string(error.byte) + " is not expected";
  }
  if (!twice.empty()) message = "key '" + twice + "' is there twice in one object";
  if (problem != nullptr) *problem = message;
  return message.empty() ? found : Json(Json::value_t::discarded);
}

std::map<std::string, Letters> read_texts(const Letters& line, const TextTask& task) {
  const Letters text = left_stripped(line);
  const bool is_object = !text.empty() && text[0] == '{' && line.find(U"\"text_a\"") != Letters::npos;
  if (!is_object || keys_of_two(task).count("text_a") == 0) {
    try {
      return task.read_line(line);
    } catch (const DataError& error) {
      throw BadText("D118", error.what(), start_of(line));
    }
  }
  std::map<std::string, Letters> found = read_object(line);
  refuse_second(found, line, task);
  for (const auto& [key, field] : found)
    if (stripped(field).empty()) throw BadText("D126", key + " is empty", start_of(line));
  return found;
}

std::map<std::string, Letters> checked_texts(const std::string& line, const TextTask& task) {
  if (const auto wrong = not_utf8(line)) throw BadText("D131", wrong_byte(line, *wrong));
  Letters text = decode_utf8(line);
  replace_controls(text);
  if (stripped(text).empty()) throw BadText("D126", "the text is empty");
  return read_texts(text, task);
}

TextSource::Raw TextSource::decoded(std::string bytes, std::size_t number, bool is_file) {
  Raw line;
  line.place = "line " + std::to_string(number);
  while (!is_file && !bytes.empty() && (bytes.back() == '\r' || bytes.back() == '\n')) bytes.pop_back();
  if (is_file && !bytes.empty() && bytes.back() == '\r') bytes.pop_back();
  if (!is_file) bytes = without_byte_order_mark(bytes);
  if (const auto wrong = not_utf8(bytes)) {
    line.error = BadText("D131", wrong_byte(bytes, *wrong));
    line.place += ", byte " + std::to_string(*wrong + 1);
  } else {
    line.text = decode_utf8(bytes);
  }
  return line;
}

TextSource::TextSource(const std::string& path, const TextTask& task, const std::vector<std::string>& labels)
    : name_(path == "-" ? "standard input" : path), task_(task), labels_(labels.begin(), labels.end()), streams_(path == "-") {
  needed_ = keys_of_two(task);
  needed_.erase("text_b");
  if (streams_) return;
  if (stripped(decode_utf8(not_utf8(path) ? "?" : path)).empty()) throw ConfigError("--text: the path is empty; - is standard input");
  if (path.size() > 4 && lower(path.substr(path.size() - 4)) == ".csv")
    throw ConfigError("--text " + path + ": tables are read by tools/infer.py; this program reads one text per line, or columns that " +
                      "tabs separate, named in the first line");
  const std::vector<std::uint8_t> file = read_file(path);
  const std::string raw(file.begin(), file.end()), bytes = without_byte_order_mark(raw);
  const auto wrong = not_utf8(bytes);
  for (std::size_t start = 0; start < bytes.size();) {
    const std::size_t end = std::min(bytes.find('\n', start), bytes.size());
    lines_.push_back(decoded(bytes.substr(start, end - start), lines_.size() + 1, !wrong));
    start = end + 1;
  }
  const auto bad_lines = std::count_if(lines_.begin(), lines_.end(), [](const Raw& line) { return line.error.has_value(); });
  if (wrong && (is_utf16(raw) || 2 * static_cast<std::size_t>(bad_lines) > lines_.size())) {
    const auto first = std::find_if(lines_.begin(), lines_.end(), [](const Raw& line) { return line.error.has_value(); });
    const char* encoding = is_utf16(raw) ? "utf-16" : is_gb18030(raw) ? "gb18030" : "latin-1";
    throw bad("D131", path + ": " + first->place, first->error->message,
              std::string("save the file as UTF-8: iconv -f ") + encoding + " -t utf-8 " + path);
  }
}

std::optional<TextSource::Raw> TextSource::raw_line() {
  if (!streams_) {
    if (number_ >= lines_.size()) return {};
    return lines_[number_++];
  }
  std::string bytes;
  if (!std::getline(std::cin, bytes)) return {};
  return decoded(std::move(bytes), ++number_, false);
}

std::optional<TextLine> TextSource::next() {
  for (;;) {
    std::optional<Raw> raw = raw_line();
    if (!raw) return {};
    TextLine line;
    line.place = raw->place;
    if (raw->error) {
      line.error = raw->error;
      return line;
    }
    if (number_ == 1) {
      if (read_header(raw->text)) continue;
      refuse_annotations(raw->text);
    }
    Letters& text = raw->text;
    if (!columns_.empty()) text.erase(std::remove(text.begin(), text.end(), tokens_mark), text.end());
    if (replace_controls(text)) {
      if (!warned_) notes_.push_back(name_ + ": " + line.place + ": control characters are replaced by spaces");
      warned_ = true;
    }
    if (stripped(text).empty()) {
      line.texts = {{"text_a", text}};
      line.blank = true;
      return line;
    }
    try {
      line.texts = read(text);
    } catch (const BadText& error) {
      line.error = error;
    }
    return line;
  }
}

std::map<std::string, Letters> TextSource::read(const Letters& line) const {
  if (columns_.empty()) return read_texts(line, task_);
  const std::vector<Letters> fields = split_at(line, U'\t');
  if (fields.size() != columns_.size())
    throw BadText("D118", std::to_string(fields.size()) + " fields where the header names " + std::to_string(columns_.size()),
                  start_of(line));
  std::map<std::string, Letters> found;
  for (std::size_t k = 0; k < fields.size(); ++k)
    if (columns_[k]) found[*columns_[k]] = fields[k];
  refuse_second(found, line, task_);
  for (const auto& key : columns_)
    if (key && stripped(found.at(*key)).empty()) throw BadText("D126", *key + " is empty", start_of(line));
  return found;
}

std::vector<std::optional<std::string>> TextSource::columns_of(const std::vector<Letters>& names) const {
  const std::string own = task_.column();
  const bool has_own = !own.empty() && std::find(names.begin(), names.end(), decode_utf8(own)) != names.end();
  std::vector<std::optional<std::string>> keys;
  for (const Letters& letters : names) {
    const std::string name = encode_utf8(letters);
    const auto known = known_columns.find(name);
    if (has_own && name == own)
      keys.emplace_back("text_a");
    else if (known == known_columns.end() || (has_own && known->second == "text_a"))
      keys.emplace_back();
    else
      keys.emplace_back(known->second);
  }
  return keys;
}

bool TextSource::read_header(const Letters& line) {
  std::size_t start = 0;
  while (start < line.size() && line[start] == 0xfeff) ++start;
  std::vector<Letters> names = split_at(line.substr(start), U'\t');
  for (Letters& name : names) name = stripped(name);
  const auto keys = columns_of(names);
  const Letters own = decode_utf8(task_.column());
  bool known = !own.empty() && std::find(names.begin(), names.end(), own) != names.end();
  known = known || std::all_of(names.begin(), names.end(), [](const Letters& name) {
    return known_columns.count(encode_utf8(name)) > 0 || unread_columns.count(encode_utf8(name)) > 0;
  });
  std::set<std::string> texts;
  std::string read, ignored, all;
  bool twice = false;
  for (std::size_t k = 0; k < names.size(); ++k) {
    const std::string name = encode_utf8(names[k]);
    if (keys[k]) twice = !texts.insert(*keys[k]).second || twice;
    std::string& list = keys[k] ? read : ignored;
    list += (list.empty() ? "" : ", ") + name;
    all += (all.empty() ? "" : ", ") + name;
  }
  if (!known || texts.empty() || twice || (names.size() == 1 && names[0] != U"text_a")) return false;
  if (!std::includes(texts.begin(), texts.end(), needed_.begin(), needed_.end())) {
    std::string needed;
    for (const std::string& key : needed_) needed += (needed.empty() ? "" : ", ") + key;
    throw ConfigError(name_ + ": line 1: the header names " + all + ", but this model reads " + needed);
  }
  notes_.push_back(name_ + ": line 1 is a header: " + read + " read" + (ignored.empty() ? "" : ", " + ignored + " ignored"));
  columns_ = keys;
  return true;
}

void TextSource::refuse_annotations(const Letters& first) const {
  std::vector<Letters> lines;
  for (std::size_t k = 0; k < std::min(lines_.size(), looked_at); ++k)
    if (!lines_[k].error && !stripped(lines_[k].text).empty()) lines.push_back(lines_[k].text);
  if (streams_ && !stripped(first).empty()) lines.push_back(first);
  const auto refuse = [&](bool tabs, bool is_first) {
    if (labels_.empty() || lines.empty() || (!tabs && lines.size() < 2)) return;
    Letters seen;
    for (const Letters& line : lines) {
      const std::vector<Letters> row = tabs ? split_at(line, U'\t') : split_words(line);
      if (row.size() < 2 || !is_label(is_first ? row[0] : row.back(), labels_)) return;
      if (seen.empty()) seen = is_first ? row[0] : row.back();
    }
    throw ConfigError(name_ + ": line 1: the " + (is_first ? "first" : "last") + " column holds labels of the model ('" +
                      start_of(seen, 40) + "'), but a line is the text alone\n  fix: remove that column, or name the columns in a " +
                      "first line, such as text_a<tab>label");
  };
  refuse(true, true), refuse(true, false), refuse(false, false);
}

}  // namespace kit
