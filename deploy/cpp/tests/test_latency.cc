#include "latency.h"

#include <doctest/doctest.h>


TEST_CASE("a percentile is the value that this part of all do not exceed") {
  std::vector<double> values;
  for (int i = 100; i >= 1; --i) values.push_back(i);
  CHECK(kit::percentile(values, 0.5) == 50);
  CHECK(kit::percentile(values, 0.95) == 95);
  CHECK(kit::percentile(values, 0.99) == 99);
  CHECK(kit::percentile({7}, 0.5) == 7);
  CHECK(kit::percentile({}, 0.5) == 0);
}

TEST_CASE("stages are reported in the order they were met") {
  kit::Latency one, other;
  one.add("decode", 1), one.add("run", 4);
  other.add("run", 2);
  one.merge(other);
  const kit::Json summary = one.summary();
  CHECK(summary.begin().key() == "decode");
  CHECK(summary["run"]["mean"] == 3.0);
  CHECK(one.table().find("decode") != std::string::npos);
}
