// Runs the pre-processing of the infer.yml of a folder on texts, for the comparison with Python's: kit_texts FOLDER < LINES.
// A line is a text, or two, of which the transform reads `question` and `context`, or `text_a` and `text_b`; what is printed of it is an object of JSON.
#include <iostream>

#include "json.h"
#include "text/pipeline.h"

namespace {

kit::Json numbers_of(const kit::Tensor& tensor) {
  kit::Json numbers = kit::Json::array();
  for (std::int64_t i = 0; i < tensor.size(); ++i) numbers.push_back(tensor.data<std::int64_t>()[i]);
  return numbers;
}

kit::Json spans_of(const std::vector<kit::Span>& spans) {
  kit::Json found = kit::Json::array();
  for (const kit::Span& span : spans) found.push_back(span.first < 0 ? kit::Json() : kit::Json{span.first, span.end});
  return found;
}

kit::Json prepared(const kit::TextPipeline& pipeline, const std::string& line) {
  const kit::Letters text = kit::decode_utf8(line);
  const std::size_t tab = text.find(U'\t');
  kit::TextSample sample;
  sample.texts = {{"text_a", text}};
  if (tab != kit::Letters::npos) {
    const kit::Letters first = text.substr(0, tab), second = text.substr(tab + 1);
    sample.texts = {{"question", first}, {"context", second}, {"text_a", first}, {"text_b", second}};
  }
  pipeline.prepare(sample);
  kit::Json found = kit::Json::object();
  for (const auto& [name, tensor] : sample.inputs) found[name] = numbers_of(tensor);
  if (sample.tokens) found["offsets"] = spans_of(sample.offsets);
  for (const auto& window : sample.windows) found["windows"].push_back(spans_of(window));
  return found;
}

}  // namespace

int main(int count, char** words) {
  if (count != 2) return 2;
  std::ios::sync_with_stdio(false);
  const std::string folder = words[1];
  try {
    const kit::TextPipeline pipeline(YAML::LoadFile(folder + "/infer.yml")["preprocess"], folder);
    for (std::string line; std::getline(std::cin, line);) std::cout << kit::python_json(prepared(pipeline, line)) << '\n';
  } catch (const kit::Error& error) {
    std::cerr << error.what() << '\n';
    return error.exit_code;
  }
}
