#include <algorithm>
#include <array>
#include <numeric>
#include <sstream>

#include "kit/kit.h"

namespace kit {
namespace {

struct Kind {
  const char* name;
  std::size_t size;
};
constexpr std::array<Kind, 7> kinds{
    {{"float32", 4}, {"float64", 8}, {"int32", 4}, {"int64", 8}, {"uint8", 1}, {"int8", 1}, {"bool", 1}}};

template <typename T>
std::vector<double> widened(const Tensor& tensor) {
  const T* first = tensor.data<T>();
  return std::vector<double>(first, first + tensor.size());
}

}  // namespace

std::size_t size_of(DType type) { return kinds.at(static_cast<std::size_t>(type)).size; }
std::string name_of(DType type) { return kinds.at(static_cast<std::size_t>(type)).name; }

DType dtype_named(const std::string& name) {
  for (std::size_t i = 0; i < kinds.size(); ++i)
    if (name == kinds[i].name) return static_cast<DType>(i);
  throw ConfigError("'" + name + "' is no number type that is read; those are float32, float64, int32, int64, uint8, int8, bool");
}

Tensor Tensor::of(DType dtype, std::vector<std::int64_t> shape) {
  Tensor made{dtype, std::move(shape), {}};
  made.bytes.resize(static_cast<std::size_t>(made.size()) * size_of(dtype));
  return made;
}

std::int64_t Tensor::size() const {
  return std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>());
}

std::vector<double> Tensor::numbers() const {
  switch (dtype) {
    case DType::float32: return widened<float>(*this);
    case DType::float64: return widened<double>(*this);
    case DType::int32: return widened<std::int32_t>(*this);
    case DType::int64: return widened<std::int64_t>(*this);
    case DType::int8: return widened<std::int8_t>(*this);
    default: return widened<std::uint8_t>(*this);
  }
}

std::string spelled(const Tensor& tensor) {
  std::ostringstream text;
  text << name_of(tensor.dtype) << '[';
  for (std::size_t i = 0; i < tensor.shape.size(); ++i) text << (i ? ", " : "") << tensor.shape[i];
  text << ']';
  return text.str();
}

}  // namespace kit
