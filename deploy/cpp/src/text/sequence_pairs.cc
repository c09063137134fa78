// Texts as tokens that an end token follows; the rules of common/text/sequence_pairs.py.
#include <algorithm>
#include <memory>

#include "text/pipeline.h"

namespace kit {
namespace {

using Steps = TextPipeline::Steps;
using BatchSteps = TextPipeline::BatchSteps;

// The ids of a text, of which `most` - 1 and the end are kept.
void set_ended(TextSample& sample, std::vector<std::int64_t> ids, std::int64_t end, int unknown, std::size_t most) {
  const std::size_t kept = std::min(ids.size(), most - 1), cut = ids.size() - kept;
  ids.resize(kept);
  const auto odd = static_cast<std::size_t>(std::count(ids.begin(), ids.end(), static_cast<std::int64_t>(unknown)));
  sample.coverage = {{"text_a", kept + cut, odd, cut}};
  ids.push_back(end);
  const auto size = static_cast<std::int64_t>(ids.size());
  sample.length = size;
  sample.inputs["input_ids"] = int64_tensor(ids, {size});
  sample.inputs["length"] = int64_tensor({size}, {});
}

void add_subwords(TextArguments& given, Steps& steps, BatchSteps&) {
  const std::shared_ptr<const Tokenizer> tokenizer = make_sentencepiece(given.file("model"), "", false);
  const int end = tokenizer->vocabulary().need(given.get("end", std::string("</s>")));
  const auto most = static_cast<std::size_t>(given.whole("max_length", 256, 2));
  steps.push_back([=](TextSample& sample) {
    const std::vector<int> ids = tokenizer->encode(sample.text("text_a")).ids;
    set_ended(sample, {ids.begin(), ids.end()}, end, tokenizer->vocabulary().unknown(), most);
  });
}

void add_words(TextArguments& given, Steps& steps, BatchSteps&) {
  const std::string file = given.file("vocab"), unknown = given.get("unknown", std::string("<unk>"));
  const auto vocabulary = std::make_shared<const Vocabulary>(file, unknown, given.get("added", std::vector<std::string>()));
  const int end = vocabulary->need(given.get("end", std::string("</s>")));
  const bool lower = given.get("lowercase", false), characters = given.get("characters", false);
  const auto most = static_cast<std::size_t>(given.whole("max_length", 256, 2));
  given.ignore("target_vocab");  // of targets, which training has
  steps.push_back([=](TextSample& sample) {
    const Letters& text = sample.text("text_a");
    std::vector<std::int64_t> ids;
    for (const Letters& word : split_words(lower ? lowercase(text) : text)) {
      if (!characters) {
        ids.push_back(vocabulary->number(encode_utf8(word)));
        continue;
      }
      for (const char32_t letter : word) ids.push_back(vocabulary->number(encode_utf8(Letters(1, letter))));
    }
    set_ended(sample, std::move(ids), end, vocabulary->unknown(), most);
  });
}

}  // namespace

const std::map<std::string, AddTransform>& sequence_transforms() {
  static const std::map<std::string, AddTransform> transforms{{"SubwordPairs", add_subwords}, {"WordPairs", add_words}};
  return transforms;
}

}  // namespace kit
