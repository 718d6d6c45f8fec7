// The target of a request, "/v1/loadTests?page_size=5", taken apart.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "google/protobuf/message.h"

namespace loadtest {

struct RestTarget {
  std::string path;  // percent-decoded
  // Likewise, '+' as space. Names in snake_case, whether they came so or in lowerCamelCase.
  std::map<std::string, std::string, std::less<>> query;
};

// InvalidArgument for a broken percent escape, text that is not UTF-8, or a parameter that is given
// twice.
absl::StatusOr<RestTarget> ParseTarget(std::string_view target);

// InvalidArgument when the query has a parameter that is not in `known`:
// `query: unknown parameter "pagesize", want one of page_size, page_token`.
absl::Status CheckKnownParameters(const RestTarget& target,
                                  std::span<const std::string_view> known);

// Sets the field of `request` that each parameter names, by its type: lists as "a,b", maps as
// "k=v,k=v", durations as "1m30s". Parameters that name no field are left out. InvalidArgument
// names parameter, value and what was wanted.
absl::Status FillFromQuery(const RestTarget& target, google::protobuf::Message& request);

}  // namespace loadtest
