// Where the texts of an inference come from: a file or standard input, one text per line; the rules of common/text/sources.py.
#pragma once

#include <fstream>
#include <istream>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "json.h"
#include "text/pipeline.h"
#include "text/text_task.h"

namespace kit {

// A line as it was read: its texts, or why it cannot be used; a blank one has no predictions.
struct TextLine {
  std::string place;
  std::map<std::string, Letters> texts;
  bool blank = false;
  std::optional<BadText> error;
};

// Raises BadText for a line of another form.
std::map<std::string, Letters> read_texts(const Letters& line, const TextTask& task);

// The same of bytes, whose control characters become spaces. Raises BadText for bytes that are not UTF-8 or without a text.
std::map<std::string, Letters> checked_texts(const std::string& line, const TextTask& task);

// A JSON text whose keys are each there once; discarded for another, with the problem.
Json parse_object(const Letters& text, std::string* problem = nullptr);

class TextSource {
 public:
  // Raises ConfigError for an empty path, DataError for a file that is missing or is no text file.
  TextSource(const std::string& path, const TextTask& task, const std::vector<std::string>& labels);
  // The next line; nothing behind the last one. Raises ConfigError for a header or for annotations that do not fit.
  std::optional<TextLine> next();
  const std::string& name() const { return name_; }
  const std::vector<std::string>& notes() const { return notes_; }  // what is to be logged, in one line each

 private:
  struct Raw {
    Letters text;
    std::optional<BadText> error;
    std::string place;
  };
  std::optional<Raw> raw_line();
  static Raw decoded(std::string bytes, std::size_t number, bool is_file);
  std::vector<std::optional<std::string>> columns_of(const std::vector<Letters>& names) const;
  bool read_header(const Letters& line);
  void refuse_annotations(const Letters& first) const;
  std::map<std::string, Letters> read(const Letters& line) const;

  std::string name_;
  const TextTask& task_;
  std::set<std::string> labels_, needed_;
  bool streams_ = false, warned_ = false;
  std::vector<Raw> lines_;  // of a file
  std::size_t number_ = 0;
  std::vector<std::optional<std::string>> columns_;  // the key of each column; empty: there is no header
  std::vector<std::string> notes_;
};

}  // namespace kit
