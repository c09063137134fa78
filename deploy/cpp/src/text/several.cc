// Several texts of a sample as one sequence of numbers; the rules of common/text/several.py.
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

}  // namespace

const std::map<std::string, AddTransform>& several_transforms() {
  static const std::map<std::string, AddTransform> transforms{{"PairIds", add_pairs}};
  return transforms;
}

}  // namespace kit
