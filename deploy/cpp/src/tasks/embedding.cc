// Embeddings [N, E]: the vector of each image, of length 1 where the model normalizes.
#include "json.h"
#include "tasks/task.h"

namespace kit {
namespace {

constexpr int digits = 6;  // of each number after the point

class Embedding : public Task {
 public:
  Embedding() : Task(0) {}

  std::vector<Records> records(const Tensors& outputs, const std::vector<std::string>&, double,
                               const std::vector<Placement>&) const override {
    const Tensor& embedding = output_named("embedding", outputs);
    if (embedding.shape.size() != 2)
      throw EnvironmentProblem("the model gives an embedding of " + spelled(embedding) + "; its task reads [N, E]");
    const std::vector<double> numbers = embedding.numbers();
    const auto size = static_cast<std::size_t>(embedding.shape[1]);
    std::vector<Records> found;
    for (std::int64_t n = 0; n < embedding.shape[0]; ++n) {
      Record record;
      for (std::size_t i = n * size; i < (n + 1) * size; ++i) record.embedding.push_back(rounded(numbers[i], digits));
      found.push_back({std::move(record)});
    }
    return found;
  }

  Image draw(const Image&, const Records&) const override {
    throw ConfigError("--out draws on images; an embedding is not drawn: --json prints its numbers");
  }
};

}  // namespace

std::shared_ptr<const Task> make_embedding(NodeArguments&) { return std::make_shared<Embedding>(); }

}  // namespace kit
