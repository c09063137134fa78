// Texts in pieces with [CLS] and [SEP], and windows over long ones; the rules of common/text/wordpiece.py and windows.py.
#include <algorithm>
#include <memory>

#include "text/pipeline.h"

namespace kit {
namespace {

using Steps = TextPipeline::Steps;
using BatchSteps = TextPipeline::BatchSteps;
using Numbers = std::vector<std::int64_t>;

// A tokenizer with the numbers of its special tokens.
struct Framed {
  std::unique_ptr<Tokenizer> tokenizer;
  std::size_t max_length;
  int first, last;
  bool at_end;  // XLNet's <cls> is behind the texts, in a segment of its own

  Framed(std::unique_ptr<Tokenizer> made, int most, bool xlnet = false)
      : tokenizer(std::move(made)),
        max_length(static_cast<std::size_t>(most)),
        first(tokenizer->vocabulary().need(xlnet ? "<cls>" : "[CLS]")),
        last(tokenizer->vocabulary().need(xlnet ? "<sep>" : "[SEP]")),
        at_end(xlnet) {}

  Coverage coverage(const std::string& field, const std::vector<int>& ids, std::size_t kept) const {
    const auto unknown = std::count(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(kept), tokenizer->vocabulary().unknown());
    return {field, ids.size(), static_cast<std::size_t>(unknown), ids.size() - kept};
  }
};

void set_ids(TextSample& sample, const Numbers& ids, const Numbers& types) {
  const auto size = static_cast<std::int64_t>(ids.size());
  sample.inputs["input_ids"] = int64_tensor(ids, {size});
  sample.inputs["token_type_ids"] = int64_tensor(types, {size});
  sample.inputs["length"] = int64_tensor({size}, {});
  sample.length = size;
}

// How many pieces of each text are kept: the longest is shortened, the later one if equal.
std::vector<std::size_t> truncate_longest(std::vector<std::size_t> kept, std::size_t most) {
  std::size_t total = 0;
  for (const std::size_t size : kept) total += size;
  for (; total > most; --total) {
    std::size_t longest = 0;
    for (std::size_t k = 1; k < kept.size(); ++k)
      if (kept[k] >= kept[longest]) longest = k;
    --kept[longest];
  }
  return kept;
}

void frame_texts(TextSample& sample, const Framed& framed) {
  std::vector<std::pair<std::string, Pieces>> parts;
  std::vector<std::size_t> sizes;
  for (const char* key : {"text_a", "text_b"})
    if (sample.has(key)) {
      parts.emplace_back(key, framed.tokenizer->encode(sample.text(key)));
      sizes.push_back(parts.back().second.ids.size());
    }
  const std::vector<std::size_t> kept = truncate_longest(sizes, framed.max_length - 1 - parts.size());
  Numbers ids, types;
  if (!framed.at_end) ids.push_back(framed.first), types.push_back(0);
  sample.coverage.clear();
  for (std::size_t k = 0; k < parts.size(); ++k) {
    const auto& [key, pieces] = parts[k];
    sample.coverage.push_back(framed.coverage(key, pieces.ids, kept[k]));
    ids.insert(ids.end(), pieces.ids.begin(), pieces.ids.begin() + static_cast<std::ptrdiff_t>(kept[k]));
    ids.push_back(framed.last);
    types.resize(ids.size(), static_cast<std::int64_t>(k));
  }
  if (framed.at_end) ids.push_back(framed.first), types.push_back(2);
  set_ids(sample, ids, types);
}

// A text in tokens: one without pieces is the unknown piece.
void frame_tokens(TextSample& sample, const Framed& framed) {
  std::vector<int> pieces, words;
  for (std::size_t number = 0; number < sample.tokens->size(); ++number) {
    std::vector<int> found = framed.tokenizer->encode((*sample.tokens)[number]).ids;
    if (found.empty()) found.push_back(framed.tokenizer->vocabulary().number("[UNK]"));
    pieces.insert(pieces.end(), found.begin(), found.end());
    words.resize(pieces.size(), static_cast<int>(number));
  }
  const std::size_t kept = std::min(pieces.size(), framed.max_length - 2);
  sample.coverage = {framed.coverage("text_a", pieces, kept)};
  pieces.resize(kept), words.resize(kept);
  words.insert(framed.at_end ? words.end() : words.begin(), -1), words.push_back(-1);
  sample.word_ids = words;
  Numbers ids(pieces.begin(), pieces.end());
  if (!framed.at_end) ids.insert(ids.begin(), framed.first);
  ids.push_back(framed.last);
  Numbers types(ids.size(), 0);
  if (framed.at_end) ids.push_back(framed.first), types.push_back(2);
  set_ids(sample, ids, types);
}

void add_framed(std::unique_ptr<Tokenizer> tokenizer, TextArguments& given, Steps& steps, bool xlnet = false) {
  const auto framed = std::make_shared<const Framed>(std::move(tokenizer), given.whole("max_length", 128, 3), xlnet);
  given.ignore("labels");  // of tags, which training has
  steps.push_back([framed](TextSample& sample) { sample.tokens ? frame_tokens(sample, *framed) : frame_texts(sample, *framed); });
}

void add_wordpiece(TextArguments& given, Steps& steps, BatchSteps&) {
  add_framed(make_wordpiece(given.file("vocab"), given.get("lowercase", true)), given, steps);
}

void add_sentencepiece(TextArguments& given, Steps& steps, BatchSteps&) {
  const std::string frame = given.get("frame", std::string("bert"));
  if (frame != "bert" && frame != "xlnet") throw given.wrong("has frame '" + frame + "'; allowed: bert, xlnet");
  add_framed(make_sentencepiece(given.file("model"), given.file("vocab"), given.get("lowercase", true)), given, steps, frame == "xlnet");
}

// The starts of the windows over `size` pieces, up to the one with the last piece.
std::vector<std::size_t> window_starts(std::size_t size, std::size_t room, std::size_t stride) {
  std::vector<std::size_t> starts{0};
  while (starts.back() + room < size) starts.push_back(starts.back() + std::min(stride, room));
  return starts;
}

void cut_windows(TextSample& sample, const Framed& framed, std::size_t stride, std::size_t max_query) {
  Pieces question = framed.tokenizer->encode(sample.text("question")), context = framed.tokenizer->encode(sample.text("context"));
  const std::size_t kept = std::min(question.ids.size(), max_query), room = framed.max_length - kept - 3, size = context.ids.size();
  sample.coverage = {framed.coverage("question", question.ids, kept), framed.coverage("context", context.ids, size)};
  question.ids.resize(kept);
  const std::vector<std::size_t> starts = window_starts(size, room, stride);
  std::size_t longest = 0;
  for (const std::size_t start : starts) longest = std::max(longest, kept + 3 + std::min(room, size - start));
  const auto count = static_cast<std::int64_t>(starts.size()), wide = static_cast<std::int64_t>(longest);
  Tensor ids = Tensor::of(DType::int64, {count, wide}), types = ids, lengths = Tensor::of(DType::int64, {count});
  sample.windows.clear();
  for (std::size_t w = 0; w < starts.size(); ++w) {
    const std::size_t end = std::min(size, starts[w] + room);
    Numbers row{framed.first};
    row.insert(row.end(), question.ids.begin(), question.ids.end());
    row.push_back(framed.last);
    const std::size_t before = row.size();
    row.insert(row.end(), context.ids.begin() + static_cast<std::ptrdiff_t>(starts[w]), context.ids.begin() + static_cast<std::ptrdiff_t>(end));
    row.push_back(framed.last);
    std::copy(row.begin(), row.end(), ids.data<std::int64_t>() + w * longest);
    std::fill(types.data<std::int64_t>() + w * longest + before, types.data<std::int64_t>() + w * longest + row.size(), 1);
    lengths.data<std::int64_t>()[w] = static_cast<std::int64_t>(row.size());
    std::vector<Span> spots(before);
    spots.insert(spots.end(), context.offsets.begin() + static_cast<std::ptrdiff_t>(starts[w]),
                 context.offsets.begin() + static_cast<std::ptrdiff_t>(end));
    sample.windows.push_back(std::move(spots));
  }
  sample.inputs = {{"input_ids", ids}, {"token_type_ids", types}, {"length", lengths}};
}

void add_windows(TextArguments& given, Steps& steps, BatchSteps&) {
  auto tokenizer = make_wordpiece(given.file("vocab"), given.get("lowercase", true));
  const auto framed = std::make_shared<const Framed>(std::move(tokenizer), given.whole("max_length", 384, 3));
  const auto stride = static_cast<std::size_t>(given.whole("stride", 128, 1)), most = static_cast<std::size_t>(given.whole("max_query", 64, 0));
  if (most + 4 > framed->max_length) throw given.wrong("has max_query " + std::to_string(most) + ", for which its windows have no room");
  steps.push_back([=](TextSample& sample) { cut_windows(sample, *framed, stride, most); });
}

// A table [W, T] in the corner of a larger one of zeros.
Tensor enlarged_table(const Tensor& table, std::int64_t rows, std::int64_t columns) {
  Tensor larger = Tensor::of(DType::int64, {rows, columns});
  for (std::int64_t row = 0; row < table.shape[0]; ++row)
    std::copy_n(table.data<std::int64_t>() + row * table.shape[1], table.shape[1], larger.data<std::int64_t>() + row * columns);
  return larger;
}

void add_window_padding(TextArguments&, Steps&, BatchSteps& batch_steps) {
  batch_steps.push_back([](std::vector<TextSample>& samples) {
    std::int64_t most = 0, longest = 0;
    for (TextSample& sample : samples) {
      const std::vector<std::int64_t>& shape = sample.inputs.at("input_ids").shape;
      most = std::max(most, shape[0]), longest = std::max(longest, shape[1]);
    }
    for (TextSample& sample : samples) {
      for (const char* name : {"input_ids", "token_type_ids"}) sample.inputs[name] = enlarged_table(sample.inputs[name], most, longest);
      Tensor& lengths = sample.inputs["length"];
      Numbers padded(lengths.data<std::int64_t>(), lengths.data<std::int64_t>() + lengths.size());
      padded.resize(static_cast<std::size_t>(most));
      lengths = int64_tensor(padded, {most});
    }
  });
}

}  // namespace

const std::map<std::string, AddTransform>& subword_transforms() {
  static const std::map<std::string, AddTransform> transforms{{"WordPiece", add_wordpiece},
                                                              {"SentencePiece", add_sentencepiece},
                                                              {"QuestionWindows", add_windows},
                                                              {"PadWindows", add_window_padding}};
  return transforms;
}

}  // namespace kit
