// The arguments of a transform or a task in infer.yml; each is read by name, and those that nobody read are refused.
#pragma once

#include <yaml-cpp/yaml.h>

#include <set>
#include <string>
#include <utility>

#include "kit/kit.h"

namespace kit {

class NodeArguments {
 public:
  // `place` is for messages, such as `infer.yml: preprocess`.
  NodeArguments(std::string type, const YAML::Node& node, std::string place)
      : type(std::move(type)), node_(node), place_(std::move(place)) {}
  template <typename T>
  T get(const std::string& name, T otherwise) {
    read_.insert(name);
    return given(name) ? node_[name].as<T>() : otherwise;
  }
  bool given(const std::string& name) const { return node_.IsMap() && node_[name] && !node_[name].IsNull(); }
  void ignore(const std::string& name) { read_.insert(name); }
  YAML::Node node(const std::string& name) {
    read_.insert(name);
    return node_[name];
  }
  void finish() const {
    for (const auto& entry : node_)
      if (const auto key = entry.first.as<std::string>(); key != "type" && read_.count(key) == 0)
        throw wrong("has '" + key + "', which this program does not know");
  }
  ConfigError wrong(const std::string& why) const { return ConfigError(place_ + ": " + type + " " + why); }
  std::string type;

 private:
  YAML::Node node_;
  std::string place_;
  std::set<std::string> read_;
};

}  // namespace kit
