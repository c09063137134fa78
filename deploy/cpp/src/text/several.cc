// Several texts of a sample as numbers; the rules of common/text/several.py and question_tokens.py.
#include <algorithm>
#include <memory>

#include "text/pipeline.h"

namespace kit {
namespace {

using Steps = TextPipeline::Steps;
using BatchSteps = TextPipeline::BatchSteps;

std::vector<Letters> characters_without_spaces(const Letters& text) {
  std::vector<Letters> found;
  for (const char32_t letter : text)
    if (!is_space(letter)) found.emplace_back(1, letter);
  return found;
}

// Numbers of the tokens of one text: words between whitespace, or characters without it.
struct TokenNumbers {
  std::shared_ptr<const Vocabulary> vocabulary;
  bool characters = false, lower = false;

  explicit TokenNumbers(TextArguments& given) {
    vocabulary = std::make_shared<const Vocabulary>(given.file("vocab"), given.get("unknown", std::string("[UNK]")),
                                                    given.get("added", std::vector<std::string>()));
    const std::string unit = given.get("unit", std::string("words"));
    if (unit != "words" && unit != "characters") throw given.wrong("has unit '" + unit + "'; allowed: words, characters");
    characters = unit == "characters";
    lower = given.get("lowercase", false);
  }

  std::int64_t number(const Letters& token) const { return vocabulary->number(encode_utf8(lower ? lowercase(token) : token)); }

  // The places of the tokens of a text.
  std::vector<Span> spans(const Letters& text) const {
    std::vector<Span> found;
    bool inside = false;
    for (int place = 0; place < static_cast<int>(text.size()); ++place) {
      const bool token = !is_space(text[static_cast<std::size_t>(place)]);
      if (token && (characters || !inside)) found.push_back({place, place + 1});
      if (token) found.back().end = place + 1;
      inside = token;
    }
    return found;
  }

  std::vector<std::int64_t> encode(const Letters& text) const {
    const Letters plain = lower ? lowercase(text) : text;
    std::vector<std::int64_t> ids;
    for (const Letters& token : characters ? characters_without_spaces(plain) : split_words(plain))
      ids.push_back(vocabulary->number(encode_utf8(token)));
    return ids;
  }
};

// The first `most` numbers of a text, and how much of it they are.
Coverage cut_text(std::vector<std::int64_t>& ids, const std::string& key, std::size_t most, int unknown) {
  Coverage seen{key, ids.size(), 0, ids.size() > most ? ids.size() - most : 0};
  ids.resize(ids.size() - seen.cut);
  seen.unknown = static_cast<std::size_t>(std::count(ids.begin(), ids.end(), unknown));
  return seen;
}

void add_pairs(TextArguments& given, Steps& steps, BatchSteps&) {
  const TokenNumbers numbers(given);
  const auto most = static_cast<std::size_t>(given.whole("max_length", 128, 1));
  steps.push_back([=](TextSample& sample) {
    if (!sample.has("text_b"))
      throw BadText("D113", "one text, but PairIds reads two: a tab between them, or a column text_b");
    std::vector<std::int64_t> ids, types;
    sample.coverage.clear();
    for (const char* key : {"text_a", "text_b"}) {
      std::vector<std::int64_t> found = numbers.encode(sample.text(key));
      sample.coverage.push_back(cut_text(found, key, most, numbers.vocabulary->unknown()));
      ids.insert(ids.end(), found.begin(), found.end());
      types.resize(ids.size(), key == std::string("text_b"));
    }
    const auto size = static_cast<std::int64_t>(ids.size());
    sample.length = size;
    sample.inputs["input_ids"] = int64_tensor(ids, {size});
    sample.inputs["token_type_ids"] = int64_tensor(types, {size});
    sample.inputs["length"] = int64_tensor({size}, {});
  });
}

// The parts of a text between separators that are more than whitespace.
std::vector<Letters> split_turns(const Letters& text, const Letters& separator) {
  std::vector<Letters> turns;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(separator, begin), text.size());
    const Letters turn = text.substr(begin, end - begin);
    if (!stripped(turn).empty()) turns.push_back(turn);
    begin = end + separator.size();
  }
  return turns;
}

void add_turns(TextArguments& given, Steps& steps, BatchSteps&) {
  const TokenNumbers numbers(given);
  const auto turns = static_cast<std::size_t>(given.whole("turns", 9, 1)), words = static_cast<std::size_t>(given.whole("words", 50, 1));
  const Letters separator = decode_utf8(given.get("separator", std::string("_EOS_")));
  if (stripped(separator).empty()) throw given.wrong("has an empty separator");
  steps.push_back([=](TextSample& sample) {
    if (!sample.has("text_b"))
      throw BadText("D113", "one text, but TurnIds reads two: a tab between them, or a column text_b");
    const int unknown = numbers.vocabulary->unknown();
    Tensor ids = Tensor::of(DType::int64, {static_cast<std::int64_t>(turns + 1), static_cast<std::int64_t>(words)});
    Tensor lengths = Tensor::of(DType::int64, {static_cast<std::int64_t>(turns + 1)});
    const auto write = [&](std::size_t row, const std::vector<std::int64_t>& found) {
      std::copy(found.begin(), found.end(), ids.data<std::int64_t>() + row * words);
      lengths.data<std::int64_t>()[row] = static_cast<std::int64_t>(found.size());
    };
    const std::vector<Letters> all = split_turns(sample.text("text_a"), separator);
    const std::size_t left_out = all.size() - std::min(all.size(), turns);
    Coverage before{"text_a", 0, 0, 0};
    for (std::size_t k = 0; k < all.size(); ++k) {
      std::vector<std::int64_t> found = numbers.encode(all[k]);
      Coverage seen = cut_text(found, "text_a", k < left_out ? 0 : words, unknown);
      before.tokens += seen.tokens, before.unknown += seen.unknown, before.cut += seen.cut;
      if (k >= left_out) write(turns + 1 - all.size() + k, found);
    }
    std::vector<std::int64_t> reply = numbers.encode(sample.text("text_b"));
    sample.coverage = {before, cut_text(reply, "text_b", words, unknown)};
    write(0, reply);
    sample.inputs = {{"input_ids", ids}, {"length", lengths}};
  });
}

// A dialogue with an end token, and a table of facts; the rules of common/text/knowledge.py.
void add_knowledge(TextArguments& given, Steps& steps, BatchSteps&) {
  const TokenNumbers numbers(given);
  const auto facts = static_cast<std::size_t>(given.whole("facts", 32, 1)), words = static_cast<std::size_t>(given.whole("words", 24, 1));
  const auto most = static_cast<std::size_t>(given.whole("max_length", 160, 2)) - 1;
  const Letters separator = decode_utf8(given.get("separator", std::string("_EOS_")));
  if (stripped(separator).empty()) throw given.wrong("has an empty separator");
  const int end = numbers.vocabulary->need(given.get("end", std::string("</s>")));
  steps.push_back([=](TextSample& sample) {
    if (!sample.has("text_b"))
      throw BadText("D113", "one text, but KnowledgeIds reads two: a tab between them, or a column text_b");
    const int unknown = numbers.vocabulary->unknown();
    std::vector<std::int64_t> said = numbers.encode(sample.text("text_a"));
    const std::size_t cut = said.size() - std::min(said.size(), most);
    said.erase(said.begin(), said.begin() + static_cast<std::ptrdiff_t>(cut));
    Coverage before = cut_text(said, "text_a", most, unknown), known{"text_b", 0, 0, 0};
    before.tokens += cut, before.cut += cut;
    Tensor ids = Tensor::of(DType::int64, {static_cast<std::int64_t>(facts), static_cast<std::int64_t>(words)});
    Tensor lengths = Tensor::of(DType::int64, {static_cast<std::int64_t>(facts)});
    const std::vector<Letters> all = split_turns(sample.text("text_b"), separator);
    for (std::size_t row = 0; row < all.size(); ++row) {
      std::vector<std::int64_t> found = numbers.encode(all[row]);
      const Coverage seen = cut_text(found, "text_b", row < facts ? words : 0, unknown);
      known.tokens += seen.tokens, known.unknown += seen.unknown, known.cut += seen.cut;
      std::copy(found.begin(), found.end(), ids.data<std::int64_t>() + std::min(row, facts - 1) * words);
      if (row < facts) lengths.data<std::int64_t>()[row] = static_cast<std::int64_t>(found.size());
    }
    sample.coverage = {before, known};
    said.push_back(end);
    const auto size = static_cast<std::int64_t>(said.size());
    sample.length = size;
    sample.inputs = {{"input_ids", int64_tensor(said, {size})}, {"length", int64_tensor({size}, {})}, {"fact_ids", ids}, {"fact_length", lengths}};
  });
}

void add_question(TextArguments& given, Steps& steps, BatchSteps&) {
  const TokenNumbers numbers(given);
  const auto longest = static_cast<std::size_t>(given.whole("max_length", 500, 1)), most = static_cast<std::size_t>(given.whole("max_query", 60, 1));
  steps.push_back([=](TextSample& sample) {
    const Letters &question = sample.text("question"), &context = sample.text("context");
    std::vector<std::int64_t> ids, told;
    for (const Span& span : numbers.spans(question))
      ids.push_back(numbers.number(question.substr(static_cast<std::size_t>(span.first), static_cast<std::size_t>(span.end - span.first))));
    std::vector<Span> spots = numbers.spans(context);
    for (const Span& span : spots)
      told.push_back(numbers.number(context.substr(static_cast<std::size_t>(span.first), static_cast<std::size_t>(span.end - span.first))));
    const int unknown = numbers.vocabulary->unknown();
    sample.coverage = {cut_text(ids, "question", most, unknown), cut_text(told, "context", longest, unknown)};
    spots.resize(told.size());
    spots.insert(spots.begin(), ids.size(), Span{});
    std::vector<std::int64_t> kinds(ids.size(), 0);
    ids.insert(ids.end(), told.begin(), told.end());
    kinds.resize(ids.size(), 1);
    const auto size = static_cast<std::int64_t>(ids.size());
    sample.windows = {spots};
    sample.inputs = {{"input_ids", int64_tensor(ids, {1, size})}, {"token_type_ids", int64_tensor(kinds, {1, size})},
                     {"length", int64_tensor({size}, {1})}};
  });
}

}  // namespace

const std::map<std::string, AddTransform>& several_transforms() {
  static const std::map<std::string, AddTransform> transforms{{"PairIds", add_pairs}, {"TurnIds", add_turns}, {"QuestionTokens", add_question}, {"KnowledgeIds", add_knowledge}};
  return transforms;
}

}  // namespace kit
