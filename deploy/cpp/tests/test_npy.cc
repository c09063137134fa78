#include <doctest/doctest.h>

#include "files.h"
#include "npy.h"
#include "refusal.h"
#include "temporary.h"

TEST_CASE("what is written is read again") {
  const Temporary folder;
  kit::Tensors tensors;
  for (kit::DType type : {kit::DType::float32, kit::DType::float64, kit::DType::int32, kit::DType::int64, kit::DType::uint8,
                          kit::DType::int8, kit::DType::boolean})
    for (std::vector<std::int64_t> shape : {std::vector<std::int64_t>{}, {3}, {2, 3}, {0, 6}, {1, 2, 3, 4}}) {
      kit::Tensor tensor = kit::Tensor::of(type, shape);
      for (std::size_t i = 0; i < tensor.bytes.size(); ++i) tensor.bytes[i] = static_cast<std::uint8_t>(i % 2);
      tensors[kit::name_of(type) + std::to_string(shape.size()) + "_" + std::to_string(tensor.size())] = tensor;
      kit::write_npy(folder.path("one.npy"), tensor);
      const kit::Tensor again = kit::read_npy(folder.path("one.npy"));
      CHECK(again.dtype == type);
      CHECK(again.shape == shape);
      CHECK(again.bytes == tensor.bytes);
    }
  kit::write_npz(folder.path("all.npz"), tensors);
  const kit::Tensors again = kit::read_npz(folder.path("all.npz"));
  REQUIRE(again.size() == tensors.size());
  for (const auto& [name, tensor] : tensors) {
    CHECK(again.at(name).shape == tensor.shape);
    CHECK(again.at(name).bytes == tensor.bytes);
  }
}

TEST_CASE("an array cut short at any byte is refused, never read beyond its end") {
  const Temporary folder;
  kit::write_npz(folder.path("a.npz"), {{"a", kit::Tensor::of(kit::DType::float32, {2, 3})}});
  const auto whole = kit::read_file(folder.path("a.npz"));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    kit::write_file(folder.path("cut.npz"), whole.data(), size);
    CHECK(holds(refusal([&] { kit::read_npz(folder.path("cut.npz")); }), "3 "));
  }
}

TEST_CASE("an array with any byte changed is read or refused, and nothing worse") {
  const Temporary folder;
  kit::write_npz(folder.path("a.npz"), {{"a", kit::Tensor::of(kit::DType::int64, {3})}});
  const auto whole = kit::read_file(folder.path("a.npz"));
  for (std::size_t at = 0; at < whole.size(); ++at)
    for (int value : {0, 1, 0x7f, 0xff}) {
      auto changed = whole;
      changed[at] = static_cast<std::uint8_t>(value);
      kit::write_file(folder.path("changed.npz"), changed.data(), changed.size());
      const std::string said = refusal([&] { kit::read_npz(folder.path("changed.npz")); });
      CHECK((said.empty() || said[0] == '3'));
    }
}

TEST_CASE("a header that promises more than the file holds is refused") {
  std::string text("\x93NUMPY\x01\x00\x60\x00", 10);
  text += "{'descr': '<f4', 'fortran_order': False, 'shape': (4000000000, 4000000000), }";
  text.resize(10 + 0x60, ' ');
  const auto* data = reinterpret_cast<const std::uint8_t*>(text.data());
  CHECK(holds(refusal([&] { kit::parse_npy(data, text.size(), "x"); }), "more elements than the file"));
}

TEST_CASE("a header as long as no array's is refused before it is searched") {
  std::string text("\x93NUMPY\x02\x00", 8);
  const std::size_t length = 300000;
  for (int shift = 0; shift < 32; shift += 8) text += static_cast<char>(length >> shift & 255);
  text += "{'descr': '" + std::string(length, 'a');
  const auto* data = reinterpret_cast<const std::uint8_t*>(text.data());
  CHECK(holds(refusal([&] { kit::parse_npy(data, text.size(), "x"); }), "3 x: its header has 300000 bytes"));
}
