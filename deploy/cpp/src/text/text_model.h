// The parts of a model of texts, for the program that reads whole files.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kit/kit.h"
#include "text/pipeline.h"
#include "text/text_task.h"

namespace kit {

// The predictions of a text that was read, or why there are none.
struct TextPrediction {
  Records records;
  std::vector<Coverage> coverage;
  std::optional<BadText> error;            // of the text
  std::optional<std::string> not_finite;   // of the outputs of the model
  bool truncated = false;
};

struct TextModel::Parts {
  Model model;
  std::shared_ptr<const TextPipeline> pipeline;
  std::shared_ptr<const TextTask> task;

  // The predictions of texts by their names, run as one batch; where its outputs are not finite, one by one.
  std::vector<TextPrediction> predict(const std::vector<std::map<std::string, Letters>>& texts, std::optional<double> threshold,
                                      Stages* stages = nullptr) const;

 private:
  std::vector<Records> run(std::vector<TextSample> samples, double threshold, Stages& spent) const;
};

}  // namespace kit
