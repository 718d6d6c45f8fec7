#include "client/view/labels.h"

#include <map>
#include <vector>

#include "absl/strings/str_join.h"

namespace loadtest {

std::string LabelsInShort(const v1::LoadTestSpec& spec) {
  const std::map<std::string, std::string> labels(spec.labels().begin(), spec.labels().end());
  std::vector<std::string> parts;
  for (const auto& [key, value] : labels) parts.push_back(key + "=" + value);
  return absl::StrJoin(parts, " ");
}

}  // namespace loadtest
