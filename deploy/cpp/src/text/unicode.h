// Texts as code points, and what Python and its tokenizers know about them; the tables are written by
// make_unicode_tables.py, because no library follows the Unicode versions of both.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace kit {

using Letters = std::u32string;

// Where bytes stop being UTF-8, as Python's decoder counts; nothing where all are.
std::optional<std::size_t> not_utf8(const std::string& bytes);
std::string without_byte_order_mark(const std::string& bytes);
Letters decode_utf8(const std::string& bytes);  // of valid UTF-8
std::string encode_utf8(const Letters& letters);
std::string encode_utf8(const char32_t* first, const char32_t* last);

bool is_space(char32_t letter);                      // str.isspace
bool is_word(char32_t letter);                       // \w of re
Letters lowercase(const Letters& text);              // str.lower, with its rule of the final sigma
Letters stripped(const Letters& text);               // str.strip
Letters left_stripped(const Letters& text);          // str.lstrip
std::vector<Letters> split_words(const Letters& text);                   // str.split()
std::vector<Letters> split_at(const Letters& text, char32_t separator);  // str.split(separator)

// Code points by the rules of the package tokenizers.
namespace bert {
bool is_dropped(char32_t letter);
bool is_space(char32_t letter);
bool is_chinese(char32_t letter);
bool is_mark(char32_t letter);
bool is_punctuation(char32_t letter);
int combining_class(char32_t letter);
void append_lowercase(char32_t letter, Letters& to);
void append_decomposed(char32_t letter, Letters& to);  // canonically
}  // namespace bert

}  // namespace kit
