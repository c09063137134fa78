// Characters, words, words of a dictionary, their numbers and n-grams; the rules of common/text/split.py and ngrams.py.
#include <zlib.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <set>
#include <unordered_map>

#include "files.h"
#include "text/pipeline.h"

namespace kit {
namespace {

using Steps = TextPipeline::Steps;
using BatchSteps = TextPipeline::BatchSteps;

void refuse_pair(const TextSample& sample, const std::string& transform) {
  if (sample.has("text_b"))
    throw BadText("D113", "two texts (a tab, or a column text_b), but " + transform + " reads one text a sample");
}

void set_tokens(TextSample& sample, std::vector<Letters> tokens) {
  const Letters& text = sample.text("text_a");
  std::size_t place = 0;
  sample.offsets.clear();
  for (const Letters& token : tokens) {
    place = text.find(token, place);
    sample.offsets.push_back({static_cast<int>(place), static_cast<int>(place + token.size())});
    place += token.size();
  }
  sample.tokens = std::move(tokens);
}

std::vector<Letters> characters_of(const Letters& text) {
  std::vector<Letters> found;
  for (const char32_t letter : text) found.emplace_back(1, letter);
  return found;
}

void add_characters(TextArguments&, Steps& steps, BatchSteps&) {
  steps.push_back([](TextSample& sample) {
    refuse_pair(sample, "SplitCharacters");
    set_tokens(sample, characters_of(sample.text("text_a")));
  });
}

void add_words(TextArguments&, Steps& steps, BatchSteps&) {
  steps.push_back([](TextSample& sample) {
    refuse_pair(sample, "SplitWords");
    set_tokens(sample, split_words(sample.text("text_a")));
  });
}

// English words and the marks ( ) , ! ? ' ` with one blank between them; the rules of common/text/clean_english.py.
Letters clean_english(const Letters& text) {
  static const std::vector<Letters> endings{U"'s", U"'ve", U"'re", U"'d", U"'ll", U"n't"};
  const auto alphanumeric = [](char32_t c) { return (c >= U'a' && c <= U'z') || (c >= U'A' && c <= U'Z') || (c >= U'0' && c <= U'9'); };
  const auto lower = [](char32_t c) { return c >= U'A' && c <= U'Z' ? c + 32 : c; };
  Letters found;
  for (std::size_t i = 0; i < text.size();) {
    const auto begins_here = [&](const Letters& ending) {
      return i + ending.size() <= text.size() &&
             std::equal(ending.begin(), ending.end(), text.begin() + static_cast<std::ptrdiff_t>(i), [&](char32_t a, char32_t b) { return a == lower(b); });
    };
    if (const auto ending = std::find_if(endings.begin(), endings.end(), begins_here); ending != endings.end()) {
      found += U" " + text.substr(i, ending->size());
      i += ending->size();
      continue;
    }
    const char32_t letter = text[i++];
    if (Letters(U"(),!?").find(letter) != Letters::npos)
      found += Letters{U' ', letter, U' '};
    else
      found += alphanumeric(letter) || letter == U'\'' || letter == U'`' ? letter : U' ';
  }
  Letters joined;
  for (const Letters& word : split_words(found)) joined += (joined.empty() ? U"" : U" ") + word;
  return joined;
}

void add_clean_english(TextArguments&, Steps& steps, BatchSteps&) {
  steps.push_back([](TextSample& sample) {
    for (const char* key : {"text_a", "text_b"})
      if (const auto found = sample.texts.find(key); found != sample.texts.end()) found->second = clean_english(found->second);
  });
}

// Puts the token that is before every text in front of the tokens.
void add_begin(TextArguments& given, Steps& steps, BatchSteps&) {
  const Letters begin = decode_utf8(given.get("begin", std::string("<eos>")));
  steps.push_back([=](TextSample& sample) {
    sample.tokens->insert(sample.tokens->begin(), begin);
    sample.offsets.insert(sample.offsets.begin(), Span{0, 0});
  });
}

// The words of a dictionary as a tree of their letters.
class WordTree {
 public:
  explicit WordTree(const std::string& path) {
    double total = 0;
    std::size_t number = 0;
    for (const std::string& line : read_text_lines(path)) {
      const Letters whole = stripped(decode_utf8(line));
      const std::size_t blank = std::min(whole.find(U' '), whole.size());
      const std::string count = encode_utf8(whole.substr(std::min(blank + 1, whole.size())));
      ++number;
      if (blank == 0 || count.empty() || count.size() > 15 || count.find_first_not_of("0123456789") != std::string::npos)
        throw vocabulary_error(path, "has the line '" + line.substr(0, 40) + "', expected 'word count'", number);
      total += static_cast<double>(std::stoll(count));
      add(whole.substr(0, blank));
    }
    if (number == 0) throw vocabulary_error(path, "is empty");
    total_ = std::log(total);
  }

  // The words of a text whose logarithms add up to the most; of two with equal sums the longer word is taken.
  std::vector<Letters> segment(const Letters& text) const {
    const std::size_t size = text.size();
    std::vector<double> score(size + 1, 0.0);
    std::vector<std::size_t> ends(size);
    for (std::size_t start = size; start-- > 0;) {
      score[start] = 0.0 - total_ + score[start + 1];
      ends[start] = start + 1;
      int node = 0;
      for (std::size_t end = start + 1; end <= size && (node = next(node, text[end - 1])) >= 0; ++end) {
        if (!is_end_[static_cast<std::size_t>(node)]) continue;
        const double found = std::log(static_cast<double>(end - start)) - total_ + score[end];
        if (found > score[start] || (found == score[start] && end > ends[start])) score[start] = found, ends[start] = end;
      }
    }
    std::vector<Letters> words;
    Letters joined;
    for (std::size_t start = 0; start < size; start = ends[start]) {
      const Letters word = text.substr(start, ends[start] - start);
      if (word.size() == 1 && is_plain(word[0])) {
        joined += word;
        continue;
      }
      if (!joined.empty()) words.push_back(joined);
      joined.clear();
      words.push_back(word);
    }
    if (!joined.empty()) words.push_back(joined);
    return words;
  }

 private:
  static bool is_plain(char32_t letter) { return letter < 0x80 && std::isalnum(static_cast<int>(letter)); }
  static std::uint64_t edge(int node, char32_t letter) { return static_cast<std::uint64_t>(node) << 21 | letter; }

  int next(int node, char32_t letter) const {
    const auto found = edges_.find(edge(node, letter));
    return found == edges_.end() ? -1 : found->second;
  }

  void add(const Letters& word) {
    int node = 0;
    for (const char32_t letter : word) {
      const auto [found, fresh] = edges_.emplace(edge(node, letter), static_cast<int>(is_end_.size()));
      if (fresh) is_end_.push_back(false);
      node = found->second;
    }
    is_end_[static_cast<std::size_t>(node)] = true;
  }

  std::unordered_map<std::uint64_t, int> edges_;
  std::vector<bool> is_end_{false};
  double total_ = 0;
};

void add_dictionary(TextArguments& given, Steps& steps, BatchSteps&) {
  const auto tree = std::make_shared<WordTree>(given.file("dictionary"));
  const auto known = std::make_shared<Vocabulary>(given.file("vocab"), "");
  steps.push_back([tree, known](TextSample& sample) {
    refuse_pair(sample, "SplitByDictionary");
    std::vector<Letters> tokens;
    for (const Letters& word : tree->segment(sample.text("text_a"))) {
      if (known->has(encode_utf8(word))) {
        tokens.push_back(word);
        continue;
      }
      for (Letters& letter : characters_of(word)) tokens.push_back(std::move(letter));
    }
    set_tokens(sample, std::move(tokens));
  });
}

void add_ids(TextArguments& given, Steps& steps, BatchSteps&) {
  const auto vocabulary =
      std::make_shared<Vocabulary>(given.file("vocab"), given.get("unknown", std::string("[UNK]")), given.get("added", std::vector<std::string>()));
  const std::string replace = given.file("replace");
  const auto others = std::make_shared<std::unordered_map<std::string, std::string>>();
  if (!replace.empty()) *others = read_replacements(replace);
  const bool lower = given.get("lowercase", false);
  const auto most = static_cast<std::size_t>(given.whole("max_length", 0, 0));
  steps.push_back([=](TextSample& sample) {
    if (!sample.tokens) throw EnvironmentProblem("the pre-processing of infer.yml has TokenIds before a transform that splits texts");
    std::vector<Letters>& tokens = *sample.tokens;
    const std::size_t cut = most > 0 && tokens.size() > most ? tokens.size() - most : 0;
    tokens.resize(tokens.size() - cut);
    if (cut > 0) sample.offsets.resize(most);
    Coverage seen{"text_a", tokens.size() + cut, 0, cut};
    std::vector<std::int64_t> ids;
    for (const Letters& token : tokens) {
      const std::string text = encode_utf8(lower ? lowercase(token) : token);
      const auto other = others->find(text);
      ids.push_back(vocabulary->number(other == others->end() ? text : other->second));
      seen.unknown += ids.back() == vocabulary->unknown();
    }
    const auto size = static_cast<std::int64_t>(ids.size());
    sample.coverage = {seen};
    sample.length = size;
    sample.inputs["input_ids"] = int64_tensor(ids, {size});
    sample.inputs["length"] = int64_tensor({size}, {});
  });
}

// Runs of letters and digits, and every other character that is no space, `\w+|[^\w\s]`.
std::vector<Letters> words_and_marks(const Letters& text) {
  std::vector<Letters> words;
  bool inside = false;
  for (const char32_t letter : text) {
    const bool word = is_word(letter);
    if (word && inside)
      words.back().push_back(letter);
    else if (word || !is_space(letter))
      words.emplace_back(1, letter);
    inside = word;
  }
  return words;
}

void add_ngrams(TextArguments& given, Steps& steps, BatchSteps&) {
  const auto rows = static_cast<std::uint32_t>(given.whole("rows", 0, 2));
  const auto most = static_cast<std::size_t>(given.whole("words", 2, 0)), max_words = static_cast<std::size_t>(given.whole("max_words", 256, 1));
  const auto sizes = given.get("characters", std::vector<std::size_t>{2, 5});
  if (!(sizes.empty() || (sizes.size() == 2 && sizes[0] >= 1 && sizes[0] <= sizes[1])))
    throw given.wrong("has characters that are not [shortest, longest]");
  steps.push_back([=](TextSample& sample) {
    refuse_pair(sample, "HashedNgrams");
    std::vector<Letters> words = words_and_marks(lowercase(sample.text("text_a")));
    if (words.size() > max_words) words.resize(max_words);
    std::set<std::int64_t> found;
    const auto add = [&](const Letters& ngram) {
      const std::string bytes = encode_utf8(ngram);
      found.insert(crc32(0, reinterpret_cast<const Bytef*>(bytes.data()), static_cast<uInt>(bytes.size())) % rows);
    };
    for (std::size_t i = 0; i < words.size(); ++i) {
      Letters ngram = words[i];
      for (std::size_t n = 1; n <= most && i + n <= words.size(); ++n) {
        add(ngram);
        if (i + n < words.size()) ngram += U" " + words[i + n];
      }
    }
    for (const Letters& word : std::set<Letters>(words.begin(), words.end())) {
      const Letters whole = U" " + word + U" ";
      for (std::size_t n = sizes.empty() ? 1 : sizes[0]; n <= (sizes.empty() ? 0 : sizes[1]); ++n)
        for (std::size_t i = 0; i + n <= whole.size(); ++i) add(U"\t" + whole.substr(i, n));
    }
    if (found.empty()) found.insert(0);
    sample.inputs["ngrams"] = int64_tensor({found.begin(), found.end()}, {static_cast<std::int64_t>(found.size())});
  });
}

void pad_to(TextSample& sample, const std::string& name, std::int64_t longest, std::int64_t fill) {
  const auto found = sample.inputs.find(name);
  if (found == sample.inputs.end()) return;
  const std::int64_t* values = found->second.data<std::int64_t>();
  std::vector<std::int64_t> padded(values, values + found->second.size());
  padded.resize(static_cast<std::size_t>(longest), fill);
  found->second = int64_tensor(padded, {longest});
}

std::int64_t longest_of(const std::vector<TextSample>& samples, const std::string& name) {
  std::int64_t longest = 0;
  for (const TextSample& sample : samples)
    if (const auto found = sample.inputs.find(name); found != sample.inputs.end()) longest = std::max(longest, found->second.size());
  return longest;
}

void add_padding(TextArguments& given, Steps&, BatchSteps& batch_steps) {
  const std::int64_t multiple = given.whole("multiple", 1, 1);
  batch_steps.push_back([multiple](std::vector<TextSample>& samples) {
    const std::int64_t longest = (std::max<std::int64_t>(1, longest_of(samples, "input_ids")) + multiple - 1) / multiple * multiple;
    const std::int64_t most = longest_of(samples, "ngrams");
    for (TextSample& sample : samples) {
      for (const char* name : {"input_ids", "token_type_ids"}) pad_to(sample, name, longest, 0);
      pad_to(sample, "ngrams", most, -1);
    }
  });
}

}  // namespace

const std::map<std::string, AddTransform>& split_transforms() {
  static const std::map<std::string, AddTransform> transforms{
      {"SplitCharacters", add_characters}, {"SplitWords", add_words}, {"BeginText", add_begin}, {"SplitByDictionary", add_dictionary},
      {"TokenIds", add_ids},               {"HashedNgrams", add_ngrams}, {"CleanEnglish", add_clean_english}, {"PadText", add_padding}};
  return transforms;
}

}  // namespace kit
