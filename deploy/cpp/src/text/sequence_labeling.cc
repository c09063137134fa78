// Tags [N, T]: the spans of each text, such as words with their parts of speech or entities.
#include <map>

#include "tasks/task.h"
#include "text/tags.h"
#include "text/text_task.h"

namespace kit {
namespace {

using Names = std::vector<std::optional<Tag>>;  // of every character; nothing between tokens

struct Labeled {
  std::string label;
  std::size_t start, end;
};

bool is_end(const Tag& tag) { return tag.role == 'E' || tag.role == 'S'; }

// The kind of a character; `O` outside of spans and between tokens.
std::string kind_of(const std::optional<Tag>& name) { return !name || name->role == 'O' ? "O" : name->kind; }

Names character_tags(const std::vector<Tag>& tags, const TextSample& sample) {
  Names names(sample.text("text_a").size());
  std::map<int, std::pair<const Tag*, const Tag*>> of_words;  // the first and the last tag of each token
  for (std::size_t place = 0; place < tags.size(); ++place) {
    if (sample.word_ids && place >= sample.word_ids->size()) break;
    const int word = sample.word_ids ? (*sample.word_ids)[place] : static_cast<int>(place);
    if (word < 0 || word >= static_cast<int>(sample.offsets.size())) continue;
    auto& [first, last] = of_words[word];
    if (first == nullptr) first = &tags[place];
    last = &tags[place];
  }
  for (const auto& [word, pair] : of_words) {
    const auto& [tag, last_tag] = pair;
    const Span& span = sample.offsets[static_cast<std::size_t>(word)];
    for (int place = span.first; place < span.end; ++place) {
      std::optional<Tag>& name = names[static_cast<std::size_t>(place)];
      const bool first = place == span.first, last = place == span.end - 1, ended = is_end(*last_tag);
      if (tag->role == 'O')
        name = Tag{'O', ""};
      else if (first && (tag->role == 'B' || tag->role == 'S'))
        name = Tag{ended && last ? 'S' : 'B', tag->kind};
      else
        name = Tag{ended && last ? 'E' : 'I', tag->kind};
    }
  }
  return names;
}

// Writes a phrase of the user over the tags of the characters.
void merge_phrase(Names& names, const Phrase& phrase) {
  std::size_t place = phrase.start;
  for (std::size_t k = 0; k < phrase.ends.size(); ++k)
    for (; place < phrase.ends[k]; ++place)
      names[place] = Tag{'I', phrase.kinds[k].empty() ? kind_of(names[place]) : phrase.kinds[k]};
  std::vector<std::size_t> borders = phrase.ends;
  borders.insert(borders.begin(), phrase.start);
  for (const std::size_t k : borders)
    if (k < names.size() && names[k]) names[k] = Tag{k == borders.back() && is_end(*names[k]) ? 'S' : 'B', kind_of(names[k])};
}

// The words that tags with `-B` cut a text into.
std::vector<Labeled> words_of(const Names& names) {
  std::vector<Labeled> spans;
  bool ended = true;
  for (std::size_t place = 0; place < names.size(); ++place) {
    if (!names[place]) continue;
    const Tag tag = names[place]->role == 'O' ? Tag{'I', "O"} : *names[place];
    const bool starts = ended || tag.role == 'B' || tag.role == 'S' || spans.back().end != place ||
                        (tag.kind == "O") != (spans.back().label == "O");
    if (starts)
      spans.push_back({tag.kind, place, place + 1});
    else
      spans.back().label = tag.kind, spans.back().end = place + 1;
    ended = is_end(tag);
  }
  return spans;
}

// The entities among tags; blanks inside one belong to it.
std::vector<Labeled> entities_of(const Names& names) {
  std::vector<Labeled> spans;
  std::optional<Tag> before;
  for (std::size_t place = 0; place < names.size(); ++place) {
    if (!names[place]) continue;
    const Tag tag = names[place]->kind == "O" ? Tag{'O', ""} : *names[place];  // a phrase without a label of its own
    if (begins_span(tag, before ? &*before : nullptr))
      spans.push_back({tag.kind, place, place + 1});
    else if (tag.role != 'O')
      spans.back().end = place + 1;
    before = tag;
  }
  return spans;
}

class SequenceLabeling : public TextTask {
 public:
  SequenceLabeling(Phrases phrases, std::string scheme) : phrases_(std::move(phrases)), scheme_(std::move(scheme)) {}

  std::vector<Records> records(const Tensors& outputs, const std::vector<TextSample>& samples, const std::vector<std::string>& labels,
                               double) const override {
    const Tensor& tags = output_named("tags", outputs);
    if (tags.shape.size() != 2 || tags.dtype != DType::int64)
      throw EnvironmentProblem("the model gives tags of " + spelled(tags) + "; its task reads int64[N, T]");
    const TagScheme scheme(labels, scheme_);
    std::vector<Records> found;
    for (std::size_t n = 0; n < samples.size() && n < static_cast<std::size_t>(tags.shape[0]); ++n) {
      const auto length = std::min(samples[n].length, tags.shape[1]);
      const std::int64_t* row = tags.data<std::int64_t>() + static_cast<std::int64_t>(n) * tags.shape[1];
      found.push_back(spans_of(samples[n], row, length, scheme));
    }
    return found;
  }

  std::string line(const std::map<std::string, Letters>&, const Records& records) const override {
    std::string line;
    for (const Record& record : records) {
      if (&record != &records[0]) line += " ";
      line += *record.text;
      if (!record.label.empty()) line += (record.text->empty() ? "" : "/") + record.label;
    }
    return line;
  }

  Json describe(const Record& record) const override {
    return {{"label", record.label}, {"text", *record.text}, {"start", record.start}, {"end", record.end}};
  }

 private:
  Records spans_of(const TextSample& sample, const std::int64_t* row, std::int64_t length, const TagScheme& scheme) const {
    std::vector<Tag> tags;
    for (std::int64_t k = 0; k < length; ++k) {
      if (row[k] < 0 || row[k] >= static_cast<std::int64_t>(scheme.tags().size()))
        throw EnvironmentProblem("the model gives the tag " + std::to_string(row[k]) + ", infer.yml names " +
                                 std::to_string(scheme.tags().size()));
      tags.push_back(scheme.tags()[static_cast<std::size_t>(row[k])]);
    }
    const Letters& text = sample.text("text_a");
    Names names = character_tags(tags, sample);
    for (const Phrase& phrase : phrases_.find(text)) merge_phrase(names, phrase);
    Records records;
    for (const Labeled& span : scheme.is_suffix() ? words_of(names) : entities_of(names)) {
      Record record;
      record.label = span.label;
      record.text = encode_utf8(text.substr(span.start, span.end - span.start));
      record.start = static_cast<int>(span.start), record.end = static_cast<int>(span.end);
      records.push_back(std::move(record));
    }
    return records;
  }

  Phrases phrases_;
  std::string scheme_;
};

}  // namespace

std::shared_ptr<const TextTask> make_sequence_labeling(TextArguments& given) {
  const std::string dictionary = given.file("dictionary"), separator = given.get("separator", std::string());
  return std::make_shared<SequenceLabeling>(dictionary.empty() ? Phrases() : Phrases(dictionary, separator),
                                            given.get("scheme", std::string()));
}

}  // namespace kit
