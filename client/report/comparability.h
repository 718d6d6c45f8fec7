// Whether two tests can be compared, and what they were run with otherwise.
#pragma once

#include <string>
#include <vector>

#include "loadtest/v1/load_test.pb.h"

namespace loadtest {

// Why they cannot, a line each: "load: got rate 400/s and rate 500/s, want the same". Empty when
// they can.
std::vector<std::string> WhyNotComparable(const v1::Report& before, const v1::Report& after);

// Something that differs in spec or manifest.
struct Difference {
  std::string what;  // "spec.request.url", "driver kernel"
  std::string before;
  std::string after;
};
std::vector<Difference> DifferencesOf(const v1::Report& before, const v1::Report& after);

}  // namespace loadtest
