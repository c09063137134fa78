// PaddlePaddle's own predictor, with oneDNN.
#include <map>

#include "engine.h"
#include "paddle_api.h"

namespace kit {
namespace {

// Raises EnvironmentProblem for a library of another version than this program was built for.
void check_version() {
  const std::string said = paddle_infer::GetVersion();
  const std::string expected = KIT_PADDLE_VERSION;
  if (said.find("version: " + expected + "\n") == std::string::npos)
    throw EnvironmentProblem("this program was built for PaddlePaddle " + expected + ", the library it has loaded says:\n  " +
                             said.substr(0, said.find('\n')) + "\n  fix: build it again (make cpp) with the version of requirements.lock");
}

DType dtype_of(paddle_infer::DataType type) {
  switch (type) {
    case paddle_infer::DataType::FLOAT32: return DType::float32;
    case paddle_infer::DataType::INT64: return DType::int64;
    case paddle_infer::DataType::INT32: return DType::int32;
    case paddle_infer::DataType::UINT8: return DType::uint8;
    case paddle_infer::DataType::INT8: return DType::int8;
    case paddle_infer::DataType::BOOL: return DType::boolean;
    case paddle_infer::DataType::FLOAT64: return DType::float64;
    default: throw EnvironmentProblem("the program gives numbers of 16 bits, which are not read here");
  }
}

// Calls `action` with a typed pointer to the tensor's numbers.
template <typename Bytes, typename Action>
void typed(DType type, Bytes* bytes, Action action) {
  using std::conditional_t, std::is_const_v;
  auto as = [&](auto sample) {
    using T = decltype(sample);
    action(reinterpret_cast<conditional_t<is_const_v<Bytes>, const T*, T*>>(bytes));
  };
  switch (type) {
    case DType::float32: return as(float{});
    case DType::float64: return as(double{});
    case DType::int32: return as(std::int32_t{});
    case DType::int64: return as(std::int64_t{});
    case DType::uint8: return as(std::uint8_t{});
    case DType::int8: return as(std::int8_t{});
    case DType::boolean: return as(bool{});
  }
}

class PaddleEngine : public Engine {
 public:
  PaddleEngine(std::shared_ptr<paddle_infer::Predictor> predictor, std::vector<std::string> outputs)
      : predictor_(std::move(predictor)), names_(std::move(outputs)) {
    for (const std::string& name : predictor_->GetInputNames()) inputs_[name] = predictor_->GetInputHandle(name);
    for (const std::string& name : predictor_->GetOutputNames()) outputs_.push_back(predictor_->GetOutputHandle(name));
    if (outputs_.size() != names_.size())
      throw EnvironmentProblem("the program gives " + std::to_string(outputs_.size()) + " outputs, infer.yml names " +
                               std::to_string(names_.size()));
  }

  Tensors run(const Tensors& inputs) override {
    for (auto& [name, handle] : inputs_) {
      const Tensor& given = inputs.at(name);
      handle->Reshape(std::vector<int>(given.shape.begin(), given.shape.end()));
      typed(given.dtype, given.bytes.data(), [&h = handle](auto* data) { h->CopyFromCpu(data); });
    }
    if (!predictor_->Run()) throw EnvironmentProblem("the predictor refused to run");
    Tensors outputs;
    for (std::size_t i = 0; i < outputs_.size(); ++i) {
      const std::vector<int> shape = outputs_[i]->shape();
      Tensor output = Tensor::of(dtype_of(outputs_[i]->type()), {shape.begin(), shape.end()});
      if (!output.bytes.empty())
        typed(output.dtype, output.bytes.data(), [&](auto* data) { outputs_[i]->CopyToCpu(data); });
      outputs[names_[i]] = std::move(output);
    }
    return outputs;
  }

  std::unique_ptr<Engine> clone() override {
    std::shared_ptr<paddle_infer::Predictor> twin(predictor_->Clone(nullptr).release());
    return std::make_unique<PaddleEngine>(std::move(twin), names_);
  }

 private:
  std::shared_ptr<paddle_infer::Predictor> predictor_;
  std::vector<std::string> names_;
  std::map<std::string, std::unique_ptr<paddle_infer::Tensor>> inputs_;
  std::vector<std::unique_ptr<paddle_infer::Tensor>> outputs_;
};

}  // namespace
}  // namespace kit

extern "C" kit::Engine* kit_make_engine(const kit::EngineOptions& options) {
  try {
    kit::check_version();
    paddle_infer::Config config;
    config.SetModel(options.folder + "/model.json", options.folder + "/model.pdiparams");
    config.DisableGpu();
    config.EnableNewIR(true);
    config.EnableNewExecutor(true);
    config.EnableMemoryOptim(true);
    config.DisableGlogInfo();
    config.EnableONEDNN();
    for (const std::string& name : options.delete_passes) config.DeletePass(name);
    config.SetCpuMathLibraryNumThreads(options.threads);
    return new kit::PaddleEngine(paddle_infer::CreatePredictor(config), options.outputs);
  } catch (const kit::Error&) {
    throw;
  } catch (const std::exception& error) {
    throw kit::EnvironmentProblem(options.folder + ": PaddlePaddle cannot load the model: " + error.what());
  }
}
