#include "npy.h"

#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <regex>

#include "files.h"

namespace kit {
namespace {

using Buffer = std::vector<std::uint8_t>;

constexpr std::size_t header_limit = 1000;  // the search for its parts takes stack for each character

DType dtype_of(const std::string& code, const std::string& name) {
  static const std::map<std::string, DType> known{{"<f4", DType::float32}, {"<f8", DType::float64}, {"<i4", DType::int32},
                                                  {"<i8", DType::int64},   {"|u1", DType::uint8},   {"|i1", DType::int8},
                                                  {"|b1", DType::boolean}};
  const auto found = known.find(code);
  if (found != known.end()) return found->second;
  throw DataError(name + ": numbers of the kind '" + code +
                  "' are not read; those are float32, float64, int32, int64, uint8, int8, bool, little endian");
}

const char* code_of(DType type) {
  switch (type) {
    case DType::float32: return "<f4";
    case DType::float64: return "<f8";
    case DType::int32: return "<i4";
    case DType::int64: return "<i8";
    case DType::uint8: return "|u1";
    case DType::int8: return "|i1";
    default: return "|b1";
  }
}

std::uint64_t number(const std::uint8_t* data, int size) {
  std::uint64_t value = 0;
  for (int i = 0; i < size; ++i) value |= std::uint64_t{data[i]} << (8 * i);
  return value;
}

void put(Buffer& out, std::uint64_t value, int size) {
  for (int i = 0; i < size; ++i) out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

Buffer npy_bytes(const Tensor& tensor) {
  std::string shape;
  for (std::int64_t size : tensor.shape) shape += std::to_string(size) + ", ";
  if (tensor.shape.size() > 1) shape.resize(shape.size() - 2);
  if (tensor.shape.size() == 1) shape.resize(shape.size() - 1);
  std::string header = std::string("{'descr': '") + code_of(tensor.dtype) + "', 'fortran_order': False, 'shape': (" + shape + "), }";
  header.resize((10 + header.size() + 1 + 63) / 64 * 64 - 11, ' ');
  header += '\n';
  Buffer out{0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0};
  put(out, header.size(), 2);
  out.insert(out.end(), header.begin(), header.end());
  out.insert(out.end(), tensor.bytes.begin(), tensor.bytes.end());
  return out;
}

Buffer inflated(const std::uint8_t* data, std::size_t size, std::size_t whole, const std::string& name) {
  Buffer out(whole);
  z_stream stream{};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) throw DataError(name + ": cannot be unpacked");
  stream.next_in = const_cast<Bytef*>(data);
  stream.avail_in = static_cast<uInt>(size);
  stream.next_out = out.data();
  stream.avail_out = static_cast<uInt>(whole);
  const int state = inflate(&stream, Z_FINISH);
  inflateEnd(&stream);
  if (state != Z_STREAM_END || stream.avail_out != 0) throw DataError(name + ": its packed content is damaged");
  return out;
}

// Where the directory at the end of an archive starts.
const std::uint8_t* directory_end(const Buffer& file) {
  for (std::size_t at = file.size() >= 22 ? file.size() - 22 : 0; file.size() >= 22; --at) {
    if (std::memcmp(file.data() + at, "PK\5\6", 4) == 0) return file.data() + at;
    if (at == 0 || file.size() - at > 65558) break;
  }
  return nullptr;
}

}  // namespace

Tensor parse_npy(const std::uint8_t* data, std::size_t size, const std::string& name) {
  if (size < 12 || std::memcmp(data, "\x93NUMPY", 6) != 0) throw DataError(name + ": not a .npy file");
  const int length = data[6] == 1 ? 2 : 4;
  const std::size_t start = 8 + length, end = start + number(data + 8, length);
  if (end > size) throw DataError(name + ": the file ends inside its header");
  if (end - start > header_limit)
    throw DataError(name + ": its header has " + std::to_string(end - start) + " bytes, that of an array of numbers has fewer than " +
                    std::to_string(header_limit));
  const std::string header(data + start, data + end);
  std::smatch kind, order, shape;
  if (!std::regex_search(header, kind, std::regex("'descr': *'([^']*)'")) ||
      !std::regex_search(header, order, std::regex("'fortran_order': *(True|False)")) ||
      !std::regex_search(header, shape, std::regex("'shape': *\\(([0-9, ]*)\\)")))
    throw DataError(name + ": its header is not understood: " + header.substr(0, 100));
  if (order[1] == "True") throw DataError(name + ": its first axis runs fastest; save np.ascontiguousarray(it)");
  Tensor tensor{dtype_of(kind[1], name), {}, {}};
  const std::string sizes = shape[1];
  std::uint64_t elements = 1;
  const std::regex digits("[0-9]+");
  for (std::sregex_iterator it(sizes.begin(), sizes.end(), digits), none; it != none; ++it) {
    const std::uint64_t extent = it->str().size() < 10 ? std::stoull(it->str()) : 1000000000;
    tensor.shape.push_back(static_cast<std::int64_t>(extent));
    elements *= extent;
    if (elements > size || extent == 1000000000) throw DataError(name + ": its shape has more elements than the file");
  }
  if (elements * size_of(tensor.dtype) != size - end)
    throw DataError(name + ": " + std::to_string(size - end) + " bytes follow the header, " + spelled(tensor) + " has " +
                    std::to_string(elements * size_of(tensor.dtype)));
  tensor.bytes.assign(data + end, data + size);
  return tensor;
}

Tensor read_npy(const std::string& path) {
  const Buffer file = read_file(path);
  return parse_npy(file.data(), file.size(), path);
}

Tensors read_npz(const std::string& path) {
  const Buffer file = read_file(path);
  const std::uint8_t* end = directory_end(file);
  if (end == nullptr) throw DataError(path + ": not a .npz file, or it ends early");
  std::size_t at = number(end + 16, 4);
  Tensors found;
  for (std::uint64_t left = number(end + 10, 2); left > 0; --left) {
    if (at + 46 > file.size() || number(&file[at], 4) != 0x02014b50) throw DataError(path + ": its directory is damaged");
    const std::uint64_t packed = number(&file[at + 20], 4), whole = number(&file[at + 24], 4);
    const std::size_t name_size = number(&file[at + 28], 2), local = number(&file[at + 42], 4);
    if (at + 46 + name_size > file.size() || local + 30 > file.size()) throw DataError(path + ": its directory is damaged");
    std::string name(file.begin() + at + 46, file.begin() + at + 46 + name_size);
    const std::string where = path + ": " + name;
    const std::size_t start = local + 30 + number(&file[local + 26], 2) + number(&file[local + 28], 2);
    if (start > file.size() || packed > file.size() - start || whole == 0xffffffff)
      throw DataError(where + ": is not whole, or larger than 4 GB");
    if (number(&file[at + 10], 2) == 8 && whole > 1032 * packed + 64) throw DataError(where + ": its packed content is damaged");
    const Buffer content = number(&file[at + 10], 2) == 8 ? inflated(&file[start], packed, whole, where)
                                                          : Buffer(file.begin() + start, file.begin() + start + packed);
    if (crc32(0, content.data(), static_cast<uInt>(content.size())) != number(&file[at + 16], 4))
      throw DataError(where + ": its checksum is not the one written, the file is damaged");
    if (name.size() > 4 && name.substr(name.size() - 4) == ".npy") name.resize(name.size() - 4);
    found[name] = parse_npy(content.data(), content.size(), where);
    at += 46 + name_size + number(&file[at + 30], 2) + number(&file[at + 32], 2);
  }
  return found;
}

void write_npy(const std::string& path, const Tensor& tensor) {
  const Buffer bytes = npy_bytes(tensor);
  write_file(path, bytes.data(), bytes.size());
}

void write_npz(const std::string& path, const Tensors& tensors) {
  Buffer out, directory;
  for (const auto& [key, tensor] : tensors) {
    const std::string name = key + ".npy";
    const Buffer content = npy_bytes(tensor);
    Buffer entry;  // what the local header and the directory have in common
    put(entry, 20, 2), put(entry, 0x0800, 2), put(entry, 0, 2), put(entry, 0, 2), put(entry, 0x21, 2);
    put(entry, crc32(0, content.data(), static_cast<uInt>(content.size())), 4);
    put(entry, content.size(), 4), put(entry, content.size(), 4), put(entry, name.size(), 2), put(entry, 0, 2);
    put(directory, 0x02014b50, 4), put(directory, 20, 2);
    directory.insert(directory.end(), entry.begin(), entry.end());
    put(directory, 0, 2), put(directory, 0, 2), put(directory, 0, 2), put(directory, 0, 4), put(directory, out.size(), 4);
    directory.insert(directory.end(), name.begin(), name.end());
    put(out, 0x04034b50, 4);
    out.insert(out.end(), entry.begin(), entry.end());
    out.insert(out.end(), name.begin(), name.end());
    out.insert(out.end(), content.begin(), content.end());
  }
  const std::size_t start = out.size();
  out.insert(out.end(), directory.begin(), directory.end());
  put(out, 0x06054b50, 4), put(out, 0, 4), put(out, tensors.size(), 2), put(out, tensors.size(), 2);
  put(out, directory.size(), 4), put(out, start, 4), put(out, 0, 2);
  write_file(path, out.data(), out.size());
}

}  // namespace kit
