// OpenVINO, on model.onnx of an export.
#include <filesystem>
#include <openvino/openvino.hpp>

#include "engine.h"

namespace kit {
namespace {

ov::element::Type element_of(DType type) {
  switch (type) {
    case DType::float32: return ov::element::f32;
    case DType::float64: return ov::element::f64;
    case DType::int32: return ov::element::i32;
    case DType::int64: return ov::element::i64;
    case DType::uint8: return ov::element::u8;
    case DType::int8: return ov::element::i8;
    default: return ov::element::boolean;
  }
}

DType dtype_of(const ov::element::Type& type) {
  for (DType known : {DType::float32, DType::float64, DType::int32, DType::int64, DType::uint8, DType::int8, DType::boolean})
    if (element_of(known) == type) return known;
  throw EnvironmentProblem("the program gives numbers of the type " + type.get_type_name() + ", which are not read here");
}

// How many batches of the program's size a tensor makes; a program written for fixed sizes runs once for each.
std::size_t parts_of(const ov::Output<const ov::Node>& port, const Tensor& given) {
  const ov::PartialShape taken = port.get_partial_shape();
  bool fits = taken.size() == given.shape.size() && taken.size() > 0;
  for (std::size_t i = 1; fits && i < taken.size(); ++i) fits = taken[i].is_dynamic() || taken[i].get_length() == given.shape[i];
  const std::int64_t batch = fits && taken[0].is_static() ? taken[0].get_length() : given.shape.empty() ? 1 : given.shape[0];
  if (!fits || given.shape[0] % batch != 0)
    throw ConfigError("model.onnx takes " + port.get_any_name() + " of " + taken.to_string() + ", and was given " + spelled(given) +
                      ": it is written for fixed sizes; export it with export.image_size of these, or choose --engine paddle");
  return static_cast<std::size_t>(given.shape[0] / batch);
}

// Puts the rows of an output behind those of the parts before it.
void append(Tensor& all, const ov::Tensor& output) {
  const ov::Shape shape = output.get_shape();
  if (all.shape.empty())
    all = {dtype_of(output.get_element_type()), {shape.begin(), shape.end()}, {}};
  else
    all.shape[0] += static_cast<std::int64_t>(shape[0]);
  const auto* bytes = static_cast<const std::uint8_t*>(output.data());
  all.bytes.insert(all.bytes.end(), bytes, bytes + output.get_byte_size());
}

class OpenVINOEngine : public Engine {
 public:
  OpenVINOEngine(ov::CompiledModel model, std::vector<std::string> outputs)
      : model_(std::move(model)), names_(std::move(outputs)), request_(model_.create_infer_request()) {
    if (model_.outputs().size() != names_.size())
      throw EnvironmentProblem("model.onnx gives " + std::to_string(model_.outputs().size()) +
                               " outputs, infer.yml names " + std::to_string(names_.size()));
  }

  Tensors run(const Tensors& inputs) override {
    std::size_t parts = 1;
    for (const auto& port : model_.inputs()) parts = std::max(parts, parts_of(port, inputs.at(port.get_any_name())));
    Tensors outputs;
    for (std::size_t part = 0; part < parts; ++part) {
      for (const auto& port : model_.inputs()) {
        const Tensor& given = inputs.at(port.get_any_name());
        ov::Shape shape(given.shape.begin(), given.shape.end());
        if (parts > 1) shape[0] /= parts;
        auto* bytes = const_cast<std::uint8_t*>(given.bytes.data()) + part * (given.bytes.size() / parts);  // only read
        request_.set_tensor(port, ov::Tensor(element_of(given.dtype), shape, bytes));
      }
      request_.infer();
      for (std::size_t i = 0; i < names_.size(); ++i) append(outputs[names_[i]], request_.get_output_tensor(i));
    }
    return outputs;
  }

  std::unique_ptr<Engine> clone() override { return std::make_unique<OpenVINOEngine>(model_, names_); }

 private:
  ov::CompiledModel model_;
  std::vector<std::string> names_;
  ov::InferRequest request_;
};

}  // namespace
}  // namespace kit

extern "C" kit::Engine* kit_make_engine(const kit::EngineOptions& options) {
  const std::string file = options.folder + "/model.onnx";
  if (!std::filesystem::is_regular_file(file))
    throw kit::EnvironmentProblem(file + ": missing, and OpenVINO reads nothing else; export the model with --onnx");
  try {
    ov::Core core;
    const auto model = core.compile_model(file, "CPU", ov::hint::performance_mode(ov::hint::PerformanceMode::LATENCY),
                                          ov::hint::inference_precision(ov::element::f32),
                                          ov::num_streams(options.workers),
                                          ov::inference_num_threads(options.threads * options.workers),
                                          ov::hint::enable_cpu_pinning(false));
    return new kit::OpenVINOEngine(model, options.outputs);
  } catch (const ov::Exception& error) {
    throw kit::EnvironmentProblem(file + ": OpenVINO cannot load the model: " + error.what());
  }
}
