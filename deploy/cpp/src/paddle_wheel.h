// Declarations of the functions of the paddle_infer C++ interface that libpaddle.so of the wheel paddlepaddle exports.
// The wheel has no header for them. No object's layout is used: an object is made, used and destroyed by functions of the
// library. They are right for the version that CMakeLists.txt pins, which is compared at start-up.
#pragma once

#include <cstdint>
#include <memory>
#include <new>
#include <string>
#include <vector>

namespace paddle {

class AnalysisConfig {
 public:
  AnalysisConfig();
  AnalysisConfig(const AnalysisConfig&);
  ~AnalysisConfig();
  void SetModel(const std::string& program, const std::string& params);
  void DisableGpu();
  void DisableGlogInfo();
  void EnableONEDNN();
  void EnableNewIR(bool on);
  void EnableNewExecutor(bool on);
  void EnableMemoryOptim(bool on);
  void DeletePass(const std::string& name);
  void SetCpuMathLibraryNumThreads(int threads);

 private:
  alignas(64) unsigned char room_[1 << 16];  // more than the library's constructor fills
};

}  // namespace paddle

namespace paddle_infer {

using Config = paddle::AnalysisConfig;
enum DataType { FLOAT32, INT64, INT32, UINT8, INT8, FLOAT16, BOOL, FLOAT64, BFLOAT16 };

class Tensor {
 public:
  Tensor() = delete;
  Tensor(const Tensor&) = delete;
  void Reshape(const std::vector<int>& shape);
  template <typename T>
  void CopyFromCpu(const T* data);
  template <typename T>
  void CopyToCpu(T* data) const;
  std::vector<int> shape() const;
  DataType type() const;
  static void operator delete(void* place) { ::operator delete(place); }  // its size is not known here
};

class Predictor {
 public:
  Predictor() = delete;
  Predictor(const Predictor&) = delete;
  std::vector<std::string> GetInputNames();
  std::vector<std::string> GetOutputNames();
  std::unique_ptr<Tensor> GetInputHandle(const std::string& name);
  std::unique_ptr<Tensor> GetOutputHandle(const std::string& name);
  bool Run();
  std::unique_ptr<Predictor> Clone(void* stream = nullptr);
};

std::shared_ptr<Predictor> CreatePredictor(const Config& config);
std::string GetVersion();

}  // namespace paddle_infer

// A shared_ptr made of a plain pointer then deletes it by the library's own code.
extern template class std::_Sp_counted_ptr<paddle_infer::Predictor*, __gnu_cxx::_S_atomic>;
