#include <doctest/doctest.h>

#include <algorithm>

#include "in_order.h"
#include "refusal.h"
#include "temporary.h"
#include "text/tags.h"
#include "text/text_source.h"

using namespace kit;

namespace {

std::shared_ptr<const TextTask> task_named(const std::string& name, const std::string& arguments = "{}") {
  return make_text_task(name, YAML::Load(arguments), "folder");
}

TextSample split_sample(const Letters& text) {
  TextSample sample;
  sample.texts = {{"text_a", text}};
  sample.tokens = std::vector<Letters>{};
  for (std::size_t i = 0; i < text.size(); ++i) sample.offsets.push_back({static_cast<int>(i), static_cast<int>(i) + 1});
  sample.length = static_cast<std::int64_t>(text.size());
  return sample;
}

Tensors tags_of(const std::vector<std::int64_t>& tags) { return {{"tags", int64_tensor(tags, {1, static_cast<std::int64_t>(tags.size())})}}; }

std::string labeled(const std::string& arguments, const Letters& text, const std::vector<std::int64_t>& tags,
                    const std::vector<std::string>& labels) {
  const auto task = task_named("SequenceLabeling", arguments);
  return task->line({}, task->records(tags_of(tags), {split_sample(text)}, labels, 0)[0]);
}

std::vector<TextLine> lines_of(const std::string& path, const TextTask& task, const std::vector<std::string>& labels = {}) {
  TextSource source(path, task, labels);
  std::vector<TextLine> lines;
  while (auto line = source.next()) lines.push_back(*line);
  return lines;
}

}  // namespace

TEST_CASE("bytes that are not UTF-8 are found where they begin") {
  CHECK(!not_utf8("a\xe4\xb8\x96\xf0\x9f\x98\x80"));
  CHECK(*not_utf8("ab\xe4\xb8") == 2);
  CHECK(*not_utf8("a\xed\xa0\x80") == 1);  // a surrogate
  CHECK(*not_utf8("\xc0\x80") == 0);
  CHECK(*not_utf8("\xf4\x90\x80\x80") == 0);
  const std::string text = "a\xc3\xa9\xe4\xb8\x96\xf0\x9f\x98\x80";
  CHECK(encode_utf8(decode_utf8(text)) == text);
  CHECK(decode_utf8(text).size() == 4);
}

TEST_CASE("a sigma is final at the end of a word") {
  CHECK(lowercase(U"ΣΑΣ") == U"σας");
  CHECK(lowercase(U"ΑΣ.Α Σ") == U"ασ.α σ");
}

TEST_CASE("tags make words where their position is a suffix, and entities elsewhere") {
  CHECK(labeled("{}", U"abcd", {0, 1, 2, 1}, {"n-B", "n-I", "v-B"}) == "ab/n cd/n");
  CHECK(labeled("{}", U"ab cd", {0, 1, 1, 2, 3}, {"B-PER", "I-PER", "B-LOC", "O"}) == "ab /PER c/LOC");
  CHECK(labeled("{}", U"abc", {0, 2, 1}, {"B-X", "E-X", "O"}) == "a/X c/X");
  CHECK_THROWS_AS(TagScheme({"B-X", "I-X"}, "BMES"), ConfigError);
}

TEST_CASE("the longest phrase of a dictionary overrules the tags") {
  const Temporary folder;
  CHECK(holds(refusal([&] { Phrases(folder.write("mine.dic", "bc/NEW\nx/\n"), ""); }), "line 2"));
  CHECK(holds(refusal([&] { Phrases(folder.write("mine.dic", "abc d/OWN\n"), ""); }), "side by side"));
  const Phrases phrases(folder.write("mine.dic", "bc/NEW\n春 天/S\n"), "");
  const std::vector<Phrase> found = phrases.find(U"abc春天");
  REQUIRE(found.size() == 2);
  CHECK(found[0].start == 1);
  CHECK(found[1].ends == std::vector<std::size_t>{4, 5});
  CHECK(found[1].kinds == std::vector<std::string>{"", "S"});
}

TEST_CASE("lines are texts, pairs, objects, or columns that a header names") {
  const Temporary folder;
  const auto task = task_named("TextClassification");
  auto lines = lines_of(folder.write("texts.txt", "a\tb\n \n{\"text_a\": \"x\", \"text_b\": \"y\"}\n{\"text_a\": 1}\n{\"text_a\": \"1\", \"text_a\": \"2\"}\n"), *task);
  REQUIRE(lines.size() == 5);
  CHECK(lines[0].texts.at("text_b") == U"b");
  CHECK(lines[1].blank);
  CHECK(lines[2].texts.at("text_b") == U"y");
  CHECK(lines[3].error->line("f", "line 4") == "error[D113] f: line 4: text_a is not a string ({\"text_a\": 1})");
  CHECK(lines[4].error->message == "not valid JSON: key 'text_a' is there twice in one object");
  lines = lines_of(folder.write("texts.txt", "\xef\xbb\xbflabel\ttext_a\n1\tgood\n2\n"), *task, {"0", "1"});
  REQUIRE(lines.size() == 2);
  CHECK(lines[0].texts.at("text_a") == U"good");
  CHECK(lines[1].error->code == "D118");
  CHECK(holds(refusal([&] { lines_of(folder.write("texts.txt", "1\tgood\n0\tbad\n"), *task, {"0", "1"}); }), "holds labels of the model"));
  CHECK(holds(refusal([&] { lines_of(folder.write("texts.txt", "question\tcontext\n"), *task); }), "this model reads text_a"));
  CHECK(holds(refusal([&] { lines_of(folder.path("table.csv"), *task); }), "tools/infer.py"));
}

TEST_CASE("a second text is refused where the task reads one") {
  const Temporary folder;
  const auto task = task_named("SequenceLabeling");
  auto lines = lines_of(folder.write("texts.txt", "a\tb\n{\"text_a\": \"x\", \"text_b\": \"y\"}\n\tc\t\n"), *task);
  REQUIRE(lines.size() == 3);
  CHECK(lines[0].error->line("f", "line 1") == "error[D118] f: line 1: two texts with a tab between, but this model reads one text per line (a b)");
  CHECK(lines[1].error->message == "two texts (text_b), but this model reads one text per line");
  CHECK(lines[2].texts.at("text_a") == U"\tc\t");
  lines = lines_of(folder.write("texts.txt", "text_a\ttext_b\na\tb\n"), *task);
  REQUIRE(lines.size() == 1);
  CHECK(lines[0].error->message == "two texts (text_b), but this model reads one text per line");
}

TEST_CASE("a file that is not UTF-8 is refused, one with single wrong lines is read") {
  const Temporary folder;
  const auto task = task_named("SequenceLabeling");
  const auto lines = lines_of(folder.write("texts.txt", "good\nba\xe4\xb8\nfine\n"), *task);
  REQUIRE(lines.size() == 3);
  CHECK(lines[1].error->message == "byte 0xe4 is not valid utf-8");
  CHECK(lines[1].place == "line 2, byte 3");
  CHECK(holds(refusal([&] { lines_of(folder.write("texts.txt", "\xd6\xd0\xce\xc4\n"), *task); }), "iconv -f gb18030"));
}

TEST_CASE("the best spans of all windows answer a question") {
  const auto task = task_named("ReadingComprehension", "{max_answer: 2, n_best: 3, null_threshold: 0.0}");
  TextSample sample;
  sample.texts = {{"question", U"q"}, {"context", U"ab cd"}};
  sample.windows = {{{}, {0, 2}, {3, 5}}, {{}, {3, 5}}};
  Tensor start = Tensor::of(DType::float32, {1, 2, 3}), end = start;
  const float starts[] = {0, 2, 1, 0, 4, 9}, ends[] = {0, 1, 3, 1, 1, 9};
  std::copy_n(starts, 6, start.data<float>());
  std::copy_n(ends, 6, end.data<float>());
  const Records found = task->records({{"start_scores", start}, {"end_scores", end}}, {sample}, {}, 0)[0];
  REQUIRE(found.size() == 3);
  CHECK(*found[0].text == "ab cd");
  CHECK(found[0].score == 5);
  CHECK(*found[1].text == "cd");
  CHECK(found[1].score == 5);
  CHECK(found[2].start == 0);
  CHECK(task_named("Detection") == nullptr);
}

TEST_CASE("results are used in the order of the jobs, and a failure when its turn comes") {
  int next = 0;
  std::vector<int> used;
  const auto job = [&] { return next < 50 ? std::optional<int>(next++) : std::nullopt; };
  in_order(3, job, [](std::size_t, int number) { return number * number; }, [&](int& square) { used.push_back(square); });
  REQUIRE(used.size() == 50);
  CHECK(used[49] == 49 * 49);
  next = 0;
  used.clear();
  const auto fails = [](std::size_t, int number) { return number == 7 ? throw DataError("seven") : number; };
  CHECK_THROWS_AS(in_order(2, job, fails, [&](int& number) { used.push_back(number); }), DataError);
  CHECK(used.size() == 7);
}
