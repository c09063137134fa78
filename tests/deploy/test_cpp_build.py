"""`make cpp`: what is built, and what a machine that lacks something is told."""

import subprocess

from tests.deploy.conftest import compiled, configure


def test_the_tests_in_cpp_pass(program):
    done = subprocess.run(
        ["ctest", "--output-on-failure"], cwd=program.build, capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stdout[-4000:]


def test_a_missing_debian_package_is_named_with_the_command_that_installs_it(program, tmp_path):
    done = configure(tmp_path, "-DCMAKE_IGNORE_PATH=/usr/include;/usr/include/stb")
    assert done.returncode != 0
    assert "apt-get install --no-install-recommends" in done.stderr
    for package in ("libyaml-cpp-dev", "nlohmann-json3-dev", "libcli11-dev", "libstb-dev"):
        assert package in done.stderr


def test_another_version_of_paddlepaddle_is_refused_before_anything_is_compiled(program, tmp_path):
    done = configure(tmp_path, "-DKIT_PADDLE_VERSION=3.2.0")
    assert done.returncode != 0
    assert "pip install paddlepaddle==3.2.0" in " ".join(done.stderr.split())


def test_a_folder_that_is_no_sdk_is_refused(program, tmp_path):
    done = configure(tmp_path / "build", f"-DPADDLE_INFERENCE_DIR={tmp_path}")
    assert done.returncode != 0
    assert "it is not the SDK's folder" in " ".join(done.stderr.split())


def test_the_same_sources_compile_against_the_layout_of_the_official_sdk(program, tmp_path):
    """Against a header of the same names in the same place; the SDK itself was not run."""
    include, library = tmp_path / "sdk/paddle/include", tmp_path / "sdk/paddle/lib"
    include.mkdir(parents=True)
    library.mkdir(parents=True)
    (tmp_path / "sdk/third_party/install/onednn/lib").mkdir(parents=True)
    (include / "paddle_inference_api.h").write_text(SDK_HEADER)
    stub = ["c++", "-shared", "-fPIC", "-x", "c++", "/dev/null", "-o", str(library / "libpaddle_inference.so")]
    subprocess.run(stub, check=True, timeout=60)
    done = configure(tmp_path / "build", f"-DPADDLE_INFERENCE_DIR={tmp_path / 'sdk'}", "-DKIT_TESTS=OFF")
    assert done.returncode == 0, done.stderr
    compiled(tmp_path / "build", "src/paddle_engine.cc.o")  # the only source that sees the SDK


# What of the SDK's interface is used, with the types of its documentation
SDK_HEADER = """
#pragma once
#include <memory>
#include <string>
#include <vector>
namespace paddle {
struct AnalysisConfig {
  AnalysisConfig() = default;
  void SetModel(const std::string&, const std::string&);
  void DisableGpu();
  void DisableGlogInfo();
  void EnableONEDNN();
  void EnableNewIR(bool = true);
  void EnableNewExecutor(bool = true);
  void EnableMemoryOptim(bool = true);
  void DeletePass(const std::string&);
  void SetCpuMathLibraryNumThreads(int);
};
}
namespace paddle_infer {
using Config = paddle::AnalysisConfig;
enum class DataType { FLOAT32, INT64, INT32, UINT8, INT8, FLOAT16, BOOL, FLOAT64, BFLOAT16 };
class Tensor {
 public:
  void Reshape(const std::vector<int>&);
  template <typename T> void CopyFromCpu(const T*);
  template <typename T> void CopyToCpu(T*) const;
  std::vector<int> shape() const;
  DataType type() const;
};
class Predictor {
 public:
  std::vector<std::string> GetInputNames();
  std::vector<std::string> GetOutputNames();
  std::unique_ptr<Tensor> GetInputHandle(const std::string&);
  std::unique_ptr<Tensor> GetOutputHandle(const std::string&);
  bool Run();
  std::unique_ptr<Predictor> Clone(void* stream = nullptr);
};
std::shared_ptr<Predictor> CreatePredictor(const Config&);
std::string GetVersion();
}
"""
