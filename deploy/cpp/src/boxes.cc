#include "boxes.h"

#include <cmath>
#include <sstream>

#include "files.h"
#include "json.h"

namespace kit {
namespace {

const char* const fix = "give the file that a detector wrote: tools/infer.py --model DETECTOR --image PATH --out boxes.json";

Record box_of(const Json& item, const std::string& path, const std::string& place) {
  Record record;
  const bool right = item.is_object() && item.contains("box") && item["box"].is_array() && item["box"].size() == 4;
  for (std::size_t i = 0; right && i < 4; ++i)
    if (item["box"][i].is_number()) record.box.push_back(item["box"][i].get<double>());
  bool good = record.box.size() == 4 && record.box[2] > record.box[0] && record.box[3] > record.box[1];
  for (const double edge : record.box) good = good && std::abs(edge) < 1e6;
  if (!good) throw bad("D113", path, place + ": a prediction has no 'box' of x1, y1, x2, y2", fix);
  if (item.contains("label") && item["label"].is_string()) record.label = item["label"].get<std::string>();
  record.score = item.contains("score") && item["score"].is_number() ? item["score"].get<double>() : 1.0;
  return record;
}

void add(const Json& item, const std::string& path, const std::string& place, std::map<std::string, Records>& found) {
  if (!item.is_object() || !item.contains("image") || !item["image"].is_string() || !item.contains("predictions") ||
      !item["predictions"].is_array())
    throw bad("D113", path, place + ": needs 'image' and 'predictions'", fix);
  Records& here = found[item["image"].get<std::string>()];
  for (const Json& prediction : item["predictions"]) here.push_back(box_of(prediction, path, place));
}

}  // namespace

std::map<std::string, Records> read_boxes(const std::string& path) {
  const std::vector<std::uint8_t> bytes = read_file(path);
  const std::string text(bytes.begin(), bytes.end());
  std::map<std::string, Records> found;
  const Json whole = Json::parse(text, nullptr, false);
  if (whole.is_array()) {
    for (std::size_t i = 0; i < whole.size(); ++i) add(whole[i], path, "[" + std::to_string(i) + "]", found);
    return found;
  }
  std::istringstream lines(text);
  std::size_t number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    const Json item = Json::parse(line, nullptr, false);
    if (item.is_discarded()) throw bad("D112", path, "line " + std::to_string(number) + ": is not JSON", fix);
    add(item, path, "line " + std::to_string(number), found);
  }
  return found;
}

}  // namespace kit
