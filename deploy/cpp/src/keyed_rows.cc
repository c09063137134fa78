#include "keyed_rows.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "first_rows.h"
#include "kit/kit.h"

namespace kit {
namespace {

constexpr std::size_t header_size = 4096, digest_size = 32, aligned = 64;
constexpr std::uint32_t version_read = 1;
constexpr std::size_t keys_ahead = 16;  // whose memory is asked for before it is needed

struct Header {
  char magic[8];
  std::uint32_t version, type;
  std::uint64_t count;
  std::uint32_t width, bits, longest, none;
  std::uint64_t first, keys, rows, standard, size;
};
static_assert(sizeof(Header) == 80, "as Python packs it");

float float_of(std::uint16_t half) {
  const std::uint32_t sign = (half & 0x8000u) << 16, magnitude = half & 0x7fffu;
  if (magnitude < 0x400u) {  // zero or subnormal: a multiple of 2^-24
    const float value = static_cast<float>(magnitude) * 5.9604644775390625e-8f;
    return sign ? -value : value;
  }
  const std::uint32_t bits = sign | ((magnitude << 13) + (112u << 23));
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

std::string sha256_of(const void* data, std::size_t size) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int length = 0;
  EVP_Digest(data, size, digest, &length, EVP_sha256(), nullptr);
  return {reinterpret_cast<const char*>(digest), length};
}

// Whether a part of `size` bytes that begins at `begin` lies in the file; none of the sums can overflow.
bool lies(std::uint64_t begin, std::uint64_t count, std::uint64_t size, std::uint64_t total) {
  return begin >= header_size && begin % aligned == 0 && begin <= total && (size == 0 || count <= (total - begin) / size);
}

}  // namespace

KeyedRows::KeyedRows(const std::string& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) throw EnvironmentProblem(path + ": " + std::strerror(errno));
  struct stat about {};
  const bool plain = fstat(file, &about) == 0 && S_ISREG(about.st_mode);
  bytes_ = plain ? static_cast<std::size_t>(about.st_size) : 0;
  void* const memory = bytes_ >= header_size ? mmap(nullptr, bytes_, PROT_READ, MAP_SHARED, file, 0) : MAP_FAILED;
  close(file);
  if (memory == MAP_FAILED) throw EnvironmentProblem(path + ": no file of rows by keys, or its header is damaged");
  memory_ = static_cast<const std::uint8_t*>(memory);
  Header header;
  std::memcpy(&header, memory_, sizeof header);
  const std::uint64_t total = bytes_, element = header.type ? 2 : 4;
  std::string problem;
  if (std::memcmp(header.magic, "KITROWS\n", 8) != 0)
    problem = "no file of rows by keys";
  else if (sha256_of(memory_, sizeof header).compare(0, digest_size, reinterpret_cast<const char*>(memory_) + sizeof header, digest_size) != 0)
    problem = "its header is damaged";
  else if (header.version != version_read)
    problem = "version " + std::to_string(header.version) + ", this program reads " + std::to_string(version_read);
  else if (header.size != total)
    problem = std::to_string(total) + " bytes, but " + std::to_string(header.size) + " were written";
  else if (header.type > 1 || header.width == 0 || header.bits < 1 || header.bits > 32 || header.count > UINT32_MAX ||
           !lies(header.first, (std::uint64_t{1} << header.bits) + 1, 4, total) || !lies(header.keys, header.count, 8, total) ||
           !lies(header.rows, header.count, element * header.width, total) || !lies(header.standard, header.width, 4, total))
    problem = "its header contradicts itself";
  if (!problem.empty()) {
    munmap(memory, bytes_);
    throw EnvironmentProblem(path + ": " + problem);
  }
  count_ = header.count, width_ = header.width, bits_ = header.bits, half_ = header.type == 1;
  first_ = reinterpret_cast<const std::uint32_t*>(memory_ + header.first);
  keys_ = reinterpret_cast<const std::uint64_t*>(memory_ + header.keys);
  rows_ = memory_ + header.rows;
  default_ = reinterpret_cast<const float*>(memory_ + header.standard);
}

KeyedRows::~KeyedRows() { munmap(const_cast<std::uint8_t*>(memory_), bytes_); }

std::size_t KeyedRows::place_of(std::uint64_t key) const {
  const std::size_t bucket = splitmix64(key) >> (64 - bits_);
  const std::size_t end = std::min<std::size_t>(first_[bucket + 1], count_);  // whatever the file says
  for (std::size_t at = first_[bucket]; at < end; ++at)
    if (keys_[at] == key) return at;
  return count_;
}

void KeyedRows::look_up(const std::uint64_t* keys, std::size_t count, float* rows) const {
  // Three passes over a few keys each, so that the memory of one key comes while another one is looked at.
  for (std::size_t begin = 0; begin < count; begin += keys_ahead) {
    const std::size_t many = std::min(keys_ahead, count - begin);
    std::size_t places[keys_ahead];
    for (std::size_t i = 0; i < many; ++i) __builtin_prefetch(first_ + (splitmix64(keys[begin + i]) >> (64 - bits_)));
    for (std::size_t i = 0; i < many; ++i) __builtin_prefetch(keys_ + first_[splitmix64(keys[begin + i]) >> (64 - bits_)]);
    for (std::size_t i = 0; i < many; ++i) {
      places[i] = place_of(keys[begin + i]);
      if (places[i] < count_) __builtin_prefetch(rows_ + places[i] * width_ * (half_ ? 2 : 4));
    }
    for (std::size_t i = 0; i < many; ++i) {
      float* const row = rows + (begin + i) * width_;
      if (places[i] >= count_) {
        if (drawn_)
          first_row(keys[begin + i], width_, std_, seed_, row);
        else
          std::copy_n(default_, width_, row);
      } else if (half_) {
        const auto* const found = reinterpret_cast<const std::uint16_t*>(rows_) + places[i] * width_;
        std::transform(found, found + width_, row, float_of);
      } else {
        std::copy_n(reinterpret_cast<const float*>(rows_) + places[i] * width_, width_, row);
      }
    }
  }
}

}  // namespace kit
