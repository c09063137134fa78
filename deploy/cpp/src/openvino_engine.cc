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

class OpenVINOEngine : public Engine {
 public:
  OpenVINOEngine(ov::CompiledModel model, std::vector<std::string> outputs)
      : model_(std::move(model)), names_(std::move(outputs)), request_(model_.create_infer_request()) {
    if (model_.outputs().size() != names_.size())
      throw EnvironmentProblem("model.onnx gives " + std::to_string(model_.outputs().size()) +
                               " outputs, infer.yml names " + std::to_string(names_.size()));
  }

  Tensors run(const Tensors& inputs) override {
    for (const auto& port : model_.inputs()) {
      const Tensor& given = inputs.at(port.get_any_name());
      const ov::Shape shape(given.shape.begin(), given.shape.end());
      auto* bytes = const_cast<std::uint8_t*>(given.bytes.data());  // only read
      request_.set_tensor(port, ov::Tensor(element_of(given.dtype), shape, bytes));
    }
    request_.infer();
    Tensors answers;
    for (std::size_t i = 0; i < names_.size(); ++i) {
      const ov::Tensor answer = request_.get_output_tensor(i);
      const ov::Shape shape = answer.get_shape();
      Tensor& copy = answers[names_[i]] = Tensor::of(dtype_of(answer.get_element_type()), {shape.begin(), shape.end()});
      std::copy_n(static_cast<const std::uint8_t*>(answer.data()), copy.bytes.size(), copy.bytes.begin());
    }
    return answers;
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
