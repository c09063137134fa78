#include "libraries.h"

#include <dlfcn.h>

#include <filesystem>

#include "kit/kit.h"

namespace kit {
namespace fs = std::filesystem;

void* load_entry(const std::string& name, const char* entry, const std::string& advice) {
  Dl_info here;
  dladdr(reinterpret_cast<const void*>(&load_entry), &here);
  const fs::path file = fs::absolute(here.dli_fname).parent_path() / ("libkit_" + name + ".so");
  if (!fs::is_regular_file(file)) throw EnvironmentProblem(name + " was not built (" + file.string() + " is missing)" + advice);
  void* library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) throw EnvironmentProblem(name + " cannot be loaded: " + dlerror());
  void* found = dlsym(library, entry);
  if (found == nullptr) throw EnvironmentProblem(file.string() + ": has no " + entry);
  return found;
}

}  // namespace kit
