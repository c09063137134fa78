// The settings of common/system/runtime.py, and the same variables override them. The allocator is left alone: with Python's
// limits the heap of 20,000 inferences grew by a tenth, and no inference was faster.
#include <sched.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

#include "engine.h"

namespace kit {
namespace {

// Cores by the quota of the control group that this process sees as its own root (version 2, then 1); 0: no quota.
int quota() {
  double limit = 0, period = 0;
  std::string word;
  if (std::ifstream file("/sys/fs/cgroup/cpu.max"); file >> word >> period) {
    if (word == "max") return 0;
    limit = std::strtod(word.c_str(), nullptr);
  } else {
    std::ifstream("/sys/fs/cgroup/cpu/cpu.cfs_quota_us") >> limit;
    std::ifstream("/sys/fs/cgroup/cpu/cpu.cfs_period_us") >> period;
  }
  return limit > 0 && period > 0 ? static_cast<int>(std::ceil(limit / period)) : 0;
}

// MKL 2019 takes a slow path on AMD, also with AVX-512
bool wants_mkl_type() {
  std::ifstream file("/proc/cpuinfo");
  bool amd = false;
  for (std::string line; std::getline(file, line);) {
    if (line.rfind("vendor_id", 0) == 0) amd = line.find("AuthenticAMD") != std::string::npos;
    if (line.rfind("flags", 0) == 0) return amd && line.find(" avx2") != std::string::npos;
  }
  return false;
}

}  // namespace

int usable_cores() {
  if (const char* asked = std::getenv("KIT_THREADS"); asked != nullptr && *asked != '\0') {
    const int threads = std::atoi(asked);
    if (threads < 1) throw ConfigError(std::string("KIT_THREADS=") + asked + ": write a number of threads, 1 or more");
    return threads;
  }
  cpu_set_t set;
  CPU_ZERO(&set);
  int cores = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
  const int allowed = quota();
  return std::max(1, allowed > 0 ? std::min(cores, allowed) : cores);
}

void prepare_machine(int threads) {
  static bool done = false;
  if (done) return;
  done = true;
  const char* mkl = std::getenv("KIT_MKL");
  if ((mkl == nullptr || std::string(mkl) != "0") && wants_mkl_type()) setenv("MKL_DEBUG_CPU_TYPE", "5", 0);
  setenv("OMP_NUM_THREADS", std::to_string(threads).c_str(), 0);
  setenv("OMP_WAIT_POLICY", "passive", 0);
  setenv("GLOG_minloglevel", "2", 0);
}

}  // namespace kit
