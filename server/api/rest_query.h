// The target of a request, "/v1/loadTests?page_size=5", taken apart.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace loadtest {

struct RestTarget {
  std::string path;                                       // percent-decoded
  std::map<std::string, std::string, std::less<>> query;  // likewise, '+' as space
};

// InvalidArgument for a broken percent escape or a parameter that is given twice.
absl::StatusOr<RestTarget> ParseTarget(std::string_view target);

// InvalidArgument when the query has a parameter that is not in `known`:
// `query: unknown parameter "pagesize", want one of page_size, page_token`.
absl::Status CheckKnownParameters(const RestTarget& target,
                                  std::span<const std::string_view> known);

// Parameters by type; the type's zero when not given. InvalidArgument names parameter, value and
// what was wanted.
std::string StringParameter(const RestTarget& target, std::string_view name);
absl::StatusOr<int32_t> IntParameter(const RestTarget& target, std::string_view name);
absl::StatusOr<bool> BoolParameter(const RestTarget& target, std::string_view name);

}  // namespace loadtest
