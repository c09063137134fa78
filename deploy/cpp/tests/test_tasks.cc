#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "json.h"
#include "masks.h"
#include "refusal.h"
#include "run_length.h"
#include "tasks/task.h"

namespace {

kit::Tensor floats(std::vector<std::int64_t> shape, const std::vector<float>& values) {
  kit::Tensor tensor = kit::Tensor::of(kit::DType::float32, std::move(shape));
  std::copy(values.begin(), values.end(), tensor.data<float>());
  return tensor;
}

kit::Tensor counts(const std::vector<std::int32_t>& values) {
  kit::Tensor tensor = kit::Tensor::of(kit::DType::int32, {static_cast<std::int64_t>(values.size())});
  std::copy(values.begin(), values.end(), tensor.data<std::int32_t>());
  return tensor;
}

std::shared_ptr<const kit::Task> task(const std::string& name, const std::string& arguments = "{}") {
  return kit::make_task(name, YAML::Load(arguments), "infer.yml");
}

}  // namespace

TEST_CASE("boxes are dealt to their images, the best first, the weak left out") {
  const kit::Tensors outputs{{"boxes", floats({4, 6}, {0, 0.6f, 1, 2, 3, 4, 1, 0.9f, 5, 6, 7, 8, 0, 0.1f, 0, 0, 1, 1, 7, 0.8f, 0, 0, 1, 1.239f})},
                             {"num_boxes", counts({3, 0, 1})}};
  const auto found = task("Detection")->records(outputs, {"cat", "dog"}, 0.5, {});
  REQUIRE(found.size() == 3);
  REQUIRE(found[0].size() == 2);
  CHECK(found[0][0].label == "dog");
  CHECK(found[0][0].score == 0.9);
  CHECK(found[0][1].box == std::vector<double>{1, 2, 3, 4});
  CHECK(found[1].empty());
  CHECK(found[2][0].label == "7");  // beyond the names
  CHECK(found[2][0].box[3] == 1.24);
}

TEST_CASE("no box at all, boxes of no number, and more boxes promised than there are") {
  const auto none = task("Detection")->records({{"boxes", floats({1, 1}, {-1})}, {"num_boxes", counts({0})}}, {}, 0.5, {});
  CHECK(none.size() == 1);
  CHECK(none[0].empty());
  const auto bad = task("Detection")->records({{"boxes", floats({1, 6}, {0, NAN, 0, 0, 1, 1})}, {"num_boxes", counts({5})}}, {}, 0, {});
  CHECK(bad[0].empty());
  CHECK(holds(refusal([] { task("Detection")->records({}, {}, 0, {}); }), "no output 'boxes'"));
}

TEST_CASE("each box has the landmarks of its row, named as the task says") {
  const kit::Tensors outputs{{"boxes", floats({2, 6}, {0, 0.6f, 2, 1, 6, 4, 0, 0.9f, 0, 0, 3, 3})},
                             {"num_boxes", counts({2})},
                             {"landmarks", floats({2, 2, 2}, {1, 2, 3, 4, 5, 6, 7, 8.129f})}};
  const auto found = task("FaceDetection", "{landmarks: [nose]}")->records(outputs, {"face"}, 0.5, {});
  REQUIRE(found[0].size() == 2);
  const kit::Record& best = found[0][0];
  REQUIRE(best.keypoints.size() == 2);
  CHECK(best.keypoints[0].name == "nose");
  CHECK(best.keypoints[0].x == 5);
  CHECK(best.keypoints[1].name == "1");
  CHECK(best.keypoints[1].y == 8.13);
  CHECK(best.keypoints[1].score == 0.9);
  const kit::Tensors short_of{{"boxes", outputs.at("boxes")}, {"num_boxes", counts({2})}, {"landmarks", floats({1, 2, 2}, {1, 2, 3, 4})}};
  CHECK(holds(refusal([&] { task("FaceDetection")->records(short_of, {}, 0.5, {}); }), "those of each box"));
}

TEST_CASE("runs are written as COCO writes them, and read again") {
  // 3 x 4 pixels, the second and third column set in its lower two rows
  const kit::Pixels pixels{0, 0, 0, 0, 0, 1, 1, 0, 0, 1, 1, 0};
  const kit::Mask mask = kit::encode_mask(pixels, 3, 4);
  CHECK(mask.counts == "42102");
  CHECK(kit::decode_mask(mask) == pixels);
  kit::Pixels high(110, 1);
  std::fill(high.begin() + 100, high.begin() + 107, 0);
  CHECK(kit::encode_mask(high, 110, 1).counts == "0T37oL");
}

TEST_CASE("each box has the mask of its row in the size of its image") {
  std::vector<float> cells(2 * 4 * 4, 1.0f);
  std::fill(cells.begin() + 16, cells.end(), 0.4f);
  const kit::Tensors outputs{{"boxes", floats({2, 6}, {0, 0.6f, 2, 1, 6, 4, 0, 0.9f, 0, 0, 3, 3})},
                             {"num_boxes", counts({2})},
                             {"masks", floats({2, 4, 4}, cells)}};
  const auto found = task("InstanceSegmentation")->records(outputs, {"cat"}, 0.5, {{6, 8}});
  REQUIRE(found.size() == 1);
  REQUIRE(found[0].size() == 2);
  const kit::Pixels weak = kit::decode_mask(*found[0][0].mask), strong = kit::decode_mask(*found[0][1].mask);
  CHECK(std::count(weak.begin(), weak.end(), 1) == 0);
  CHECK(std::count(strong.begin(), strong.end(), 1) == 12);
  CHECK(strong[1 * 8 + 2] == 1);
  CHECK(strong[3 * 8 + 5] == 1);
  CHECK(holds(refusal([] { task("InstanceSegmentation", "{mask_threshold: 1}"); }), "mask_threshold"));
}

TEST_CASE("the best five classes, of equal scores the lower number first") {
  const kit::Tensors outputs{{"scores", floats({1, 7}, {0.1f, 0.2f, 0.2f, NAN, 0.05f, 0.05f, 0.4f})}};
  const auto found = task("ImageClassification")->records(outputs, {"a", "b", "c", "d", "e", "f", "g"}, 0, {});
  std::string order;
  for (const auto& record : found[0]) order += record.label;
  CHECK(order == "gbcae");
}

TEST_CASE("the classes of a label map, the largest first, in the pixels of the original image") {
  kit::Tensor map = kit::Tensor::of(kit::DType::int32, {2, 4, 4});  // of the second place of a batch nothing is asked
  for (int i : {2, 3, 6, 7}) map.data<std::int32_t>()[i] = 1;  // upper right; the last row is padding
  for (int i : {12, 13, 14, 15}) map.data<std::int32_t>()[i] = 5;
  const kit::Placement doubled{6, 8, 3, 4, 0.5f, 0.5f};
  const auto found = task("SemanticSegmentation")->records({{"label_map", map}}, {"sky", "road"}, 0, {doubled});
  REQUIRE(found.size() == 1);
  REQUIRE(found[0].size() == 2);
  CHECK(found[0][0].label == "sky");
  CHECK(*found[0][0].share == 0.6667);
  CHECK(found[0][1].category_id == 1);
  const std::vector<std::uint8_t> inside = kit::decode_mask(*found[0][1].mask);
  for (int row = 0; row < 6; ++row)
    for (int column = 0; column < 8; ++column) CHECK(inside[row * 8 + column] == (row < 4 && column >= 4));
  CHECK(task("SemanticSegmentation")->records({{"label_map", map}}, {}, 0.5, {doubled})[0].size() == 1);
  kit::Image small{6, 8, std::vector<std::uint8_t>(6 * 8 * 3)};
  const kit::Image drawn = task("SemanticSegmentation")->draw(small, found[0]);
  CHECK(drawn.height == 168);  // enlarged, so that the legend does not hide the classes
  CHECK(drawn.width == 224);
  const kit::Placement cropped{60, 8, 3, 4, 0.5f, 0.5f};
  CHECK(holds(refusal([&] { task("SemanticSegmentation")->records({{"label_map", map}}, {}, 0, {cropped}); }), "cannot be mapped back"));
}

TEST_CASE("the text of each image, whose numbers are filled with the blank") {
  kit::Tensor ids = kit::Tensor::of(kit::DType::int64, {2, 4});
  for (int i : {0, 1, 2}) ids.data<std::int64_t>()[i] = i + 1;
  ids.data<std::int64_t>()[4] = 2;
  const std::vector<std::string> labels{"<blank>", "a", "<space>", "\u00e9"};
  const kit::Tensors outputs{{"ids", ids}, {"score", floats({2}, {0.98764f, 0.25f})}};
  const auto found = task("TextRecognition")->records(outputs, labels, 0.3, {});
  REQUIRE(found.size() == 2);
  REQUIRE(found[0].size() == 1);
  CHECK(*found[0][0].text == "a \u00e9");
  CHECK(found[0][0].score == 0.9876);
  CHECK(found[1].empty());
  const kit::Image image{48, 60, kit::Pixels(48 * 60 * 3, 200)};
  const kit::Image drawn = task("TextRecognition")->draw(image, found[0]);
  CHECK(drawn.width == 120);
  CHECK(drawn.height == 96 + 32);
  CHECK(holds(refusal([&] { task("TextRecognition")->records(outputs, {"<blank>", "a"}, 0, {}); }), "the character 2, infer.yml names 2"));
}

TEST_CASE("masks are written as COCO writes them, and damaged codes are refused") {
  const kit::Mask mask = kit::encode_mask({0, 1, 1, 0, 1, 1}, 2, 3);
  CHECK(mask.counts == "24");  // two outside, four inside
  CHECK(kit::decode_mask(mask) == std::vector<std::uint8_t>{0, 1, 1, 0, 1, 1});
  for (const char* code : {"25", "2", "2~", "2\x7f", "1o", ""})
    CHECK(holds(refusal([&] { kit::decode_mask({2, 3, code}); }), "run-length code"));
}

TEST_CASE("a person has the keypoints of its crop, and the mean of the sure ones by the score of the box") {
  const kit::Tensors outputs{{"keypoints", floats({2, 2, 3}, {1.234f, 5, 0.8f, 3, 4, 0.1f, 0, 0, 0.1f, 0, 0, 0.1f})}};
  kit::Placement place{6, 8};
  place.crop = {1, 2, 5, 6};
  place.box_score = 0.5;
  const auto pose = task("KeypointDetection", "{skeleton: [[a, b]], label: who}");
  const auto found = pose->records(outputs, {"a"}, 0.1, {place, place});
  REQUIRE(found.size() == 2);
  REQUIRE(found[0].size() == 1);
  CHECK(found[1].empty());  // none is sure
  const kit::Record& who = found[0][0];
  CHECK(who.label == "who");
  CHECK(who.score == 0.4);
  CHECK(who.box == std::vector<double>{1, 2, 5, 6});
  CHECK(who.keypoints[0].name == "a");
  CHECK(who.keypoints[0].x == 1.23);
  CHECK(who.keypoints[1].name == "1");  // beyond the names
  CHECK(*pose->box_label() == "who");
  CHECK(task("Detection")->box_label() == nullptr);
  CHECK(holds(refusal([&] { pose->records({{"keypoints", floats({1, 2}, {1, 2})}}, {}, 0, {place}); }), "[N, K, 3]"));
  CHECK(holds(refusal([] { task("KeypointDetection", "{skeleton: [[a]]}"); }), "list of pairs"));
  CHECK(holds(refusal([] { task("KeypointDetection", "{point_threshold: 2}"); }), "point_threshold"));
}

TEST_CASE("the arguments of postprocess are those of the task, and another one is refused") {
  const kit::Tensors outputs{{"scores", floats({1, 3}, {0.2f, 0.5f, 0.3f})}};
  CHECK(task("ImageClassification", "{n_best: 2, threshold: 0.1}")->records(outputs, {"a", "b", "c"}, 0, {})[0].size() == 2);
  CHECK(task("ImageClassification", "{threshold: 0.1}")->threshold() == 0.1);
  CHECK(task("Detection", "{threshold: 0.25}")->threshold() == 0.25);
  CHECK(task("Detection", "~")->threshold() == 0.5);
  CHECK(task("SpeechRecognition") == nullptr);
  CHECK(holds(refusal([] { task("Detection", "{n_best: 5}"); }), "2 infer.yml: postprocess: Detection has 'n_best'"));
  CHECK(holds(refusal([] { task("ImageClassification", "{n_best: 0}"); }), "n_best 0; allowed: 1 or more"));
  CHECK(holds(refusal([] { task("ImageClassification", "{decision: 2}"); }), "decision that is not from 0 to 1"));
  CHECK(holds(refusal([&] { task("ImageClassification", "{decision: 0.3}")->records(outputs, {}, 0, {}); }), "two classes; this model has 3"));
}

TEST_CASE("of two classes the second is the answer from the decision on, and stays below the threshold") {
  const kit::Tensors outputs{{"scores", floats({3, 2}, {0.6f, 0.4f, 0.75f, 0.25f, 0.7f, 0.3f})}};
  const auto found = task("ImageClassification", "{decision: 0.29}")->records(outputs, {"cat", "dog"}, 0.5, {});
  std::string said;
  for (const auto& records : found)
    for (const auto& record : records) said += record.label + (&record == &records.back() ? "; " : " ");
  CHECK(said == "dog cat; cat; dog cat; ");
  CHECK(task("ImageClassification", "{decision: ~}")->records(outputs, {"cat", "dog"}, 0, {})[0][0].label == "cat");
}

TEST_CASE("numbers are written as Python writes them") {
  CHECK(kit::rounded(0.99506, 4) == 0.9951);
  CHECK(kit::rounded(2.675, 2) == 2.67);  // which is 2.67499999...
  CHECK(kit::python_json({{"a", {1.0, 0.5, 1e-5}}, {"b", "é\n"}, {"c", kit::Json::array()}}) ==
        "{\"a\": [1.0, 0.5, 1e-05], \"b\": \"é\\n\", \"c\": []}");
  CHECK(kit::python_json("é", true) == "\"\\u00e9\"");
}

TEST_CASE("an embedding is a vector for each image, with six digits") {
  const auto found = task("Embedding")->records({{"embedding", floats({2, 3}, {0.12345678f, -1, 0, 0.5f, 0.25f, 1e-9f})}}, {"a"}, 0, {});
  REQUIRE(found.size() == 2);
  REQUIRE(found[0].size() == 1);
  CHECK(found[0][0].embedding == std::vector<double>{0.123457, -1, 0});
  CHECK(found[1][0].embedding == std::vector<double>{0.5, 0.25, 0});
  CHECK(holds(refusal([] { task("Embedding")->records({{"embedding", floats({3}, {1, 2, 3})}}, {}, 0, {}); }), "reads [N, E]"));
  CHECK(holds(refusal([] { task("Embedding")->draw({}, {}); }), "is not drawn"));
}
