// Looks keys up in a file of rows, for the comparison with Python's, and for benchmarks/lookups.py.
//   kit_rows FILE KEYS.npy ROWS.npy           the rows of keys int64 (the bits of u64)
//   kit_rows FILE KEYS.npy - BATCH SECONDS    prints how many batches of so many keys a second of CPU is enough for
//   kit_rows ROOT INPUTS.npz                  for each line of stdin: the current version, and the first number of its answer
#include <ctime>
#include <iostream>

#include "keyed_rows.h"
#include "npy.h"

namespace {

double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

const std::uint64_t* keys_of(const kit::Tensor& tensor) { return reinterpret_cast<const std::uint64_t*>(tensor.bytes.data()); }

void measure(const kit::KeyedRows& table, const kit::Tensor& keys, std::size_t batch, double seconds) {
  const std::size_t count = static_cast<std::size_t>(keys.size()) / batch;
  std::vector<float> rows(batch * table.width());
  std::size_t done = 0;
  const double began = cpu_seconds();
  double spent = 0;
  do {
    for (std::size_t i = 0; i < count; ++i) table.look_up(keys_of(keys) + i * batch, batch, rows.data());
    done += count;
    spent = cpu_seconds() - began;
  } while (spent < seconds);
  std::cout << static_cast<double>(done) / spent << '\n';
}

void follow(const std::string& root, const std::string& path) {
  kit::CurrentModel model(root);
  kit::Tensors inputs;
  for (auto& [name, tensor] : kit::read_npz(path)) inputs[name.rfind("in/", 0) == 0 ? name.substr(3) : name] = std::move(tensor);
  for (std::string line; std::getline(std::cin, line);) {
    if (line == "refresh") model.refresh();
    const kit::Tensors outputs = model.run(inputs);
    std::cout << model.version() << ' ' << outputs.begin()->second.numbers()[0] << ' ' << model.problem() << std::endl;
  }
}

}  // namespace

int main(int count, char** words) {
  try {
    if (count == 3) {
      follow(words[1], words[2]);
      return 0;
    }
    if (count != 4 && count != 6) return 2;
    const kit::KeyedRows table(words[1]);
    const kit::Tensor keys = kit::read_npy(words[2]);
    if (keys.dtype != kit::DType::int64) return 2;
    if (count == 6) {
      measure(table, keys, std::stoul(words[4]), std::stod(words[5]));
      return 0;
    }
    kit::Tensor rows = kit::Tensor::of(kit::DType::float32, {keys.size(), static_cast<std::int64_t>(table.width())});
    table.look_up(keys_of(keys), static_cast<std::size_t>(keys.size()), rows.data<float>());
    kit::write_npy(words[3], rows);
  } catch (const kit::Error& error) {
    std::cerr << error.what() << '\n';
    return error.exit_code;
  }
}
