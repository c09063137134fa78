// The five things kit_infer does; each returns the exit code.
#pragma once

#include "arguments.h"
#include "kit/kit.h"

namespace kit {

int run_images(Model& model, const Arguments& given);  // 0, or 3 when an image could not be read
bool tracks(const std::string& task);                   // true for a task that follows an object
int run_track(Model& model, const Arguments& given);   // through the frames of a folder
int run_texts(TextModel& model, const Arguments& given);  // 0, or 3 when a text could not be used
int run_tensors(Model& model, const Arguments& given);
int run_golden(Model& model, const Arguments& given);    // 0, or 1 when an output differs

// Writes the score threshold in use and its source to standard error, as tools/infer.py logs it.
void log_threshold(const About& about, double threshold, const Arguments& given);

// The largest difference of one output from the golden, relative to its largest value (at least 1); infinite for
// another shape. Rows of a table may come in another order where their scores are as good as equal; where the golden of a
// label map has -1, a second class is as good as the first.
double difference(const Tensor& got, const Tensor& expected, bool is_label_map = false);

}  // namespace kit
