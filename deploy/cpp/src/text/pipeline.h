// The transforms of infer.yml for texts: what common/text offers for evaluation, with the same arguments and results.
#pragma once

#include <yaml-cpp/yaml.h>

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "kit/kit.h"
#include "node_arguments.h"
#include "text/tokenizers.h"

namespace kit {

// A text that cannot be used: code and message, with the value as it was read.
struct BadText : DataError {
  BadText(std::string code, std::string message, std::string value = "");
  std::string code, message, value;
  std::string line(const std::string& file, const std::string& place) const;  // in one line, as Python logs it
};

// How much of the field of a text a model reads: tokens, unknown ones among those kept, and those cut off.
struct Coverage {
  std::string field;
  std::size_t tokens = 0, unknown = 0, cut = 0;
};

// A text on its way to the network.
struct TextSample {
  std::map<std::string, Letters> texts;  // text_a, text_b, question, context
  std::optional<std::vector<Letters>> tokens;
  std::vector<Span> offsets;                // of the tokens in text_a
  std::optional<std::vector<int>> word_ids;  // the token of each piece, -1 for those that belong to none
  std::vector<std::vector<Span>> windows;    // of each window the places of its pieces in the context
  Tensors inputs;                            // int64: input_ids, token_type_ids [T] or [W, T], length [] or [W], ngrams [K]
  std::int64_t length = 0;                   // of a text in tokens or pieces
  std::vector<Coverage> coverage;

  const Letters& text(const std::string& key) const;  // raises EnvironmentProblem, for the task gives other texts
  bool has(const std::string& key) const { return texts.count(key) > 0; }
  bool truncated() const;
};

Tensor int64_tensor(const std::vector<std::int64_t>& values, std::vector<std::int64_t> shape);

class TextPipeline {
 public:
  // `folder` holds the files that the transforms name. Raises ConfigError for a transform or an argument that this program
  // does not have, DataError for a damaged file.
  TextPipeline(const YAML::Node& transforms, const std::string& folder);
  void prepare(TextSample& sample) const;                 // raises BadText
  void pad(std::vector<TextSample>& samples) const;       // to equal shapes
  using Steps = std::vector<std::function<void(TextSample&)>>;
  using BatchSteps = std::vector<std::function<void(std::vector<TextSample>&)>>;

 private:
  Steps steps_;
  BatchSteps batch_steps_;
};

// Reads the arguments of a transform; `file` gives the path of one of its files, empty for null.
struct TextArguments : NodeArguments {
  TextArguments(const YAML::Node& node, std::string place, std::string folder);
  std::string file(const std::string& name);
  int whole(const std::string& name, int otherwise, int least);

 private:
  std::string folder_;
};

// The transforms by their names; each adds its steps.
using AddTransform = void (*)(TextArguments& given, TextPipeline::Steps& steps, TextPipeline::BatchSteps& batch_steps);
const std::map<std::string, AddTransform>& split_transforms();     // characters, words, a dictionary, ids, n-grams, padding
const std::map<std::string, AddTransform>& subword_transforms();   // WordPiece, SentencePiece, windows
const std::map<std::string, AddTransform>& sequence_transforms();  // subwords and words with an end
const std::map<std::string, AddTransform>& several_transforms();   // pairs of texts as one sequence

}  // namespace kit
