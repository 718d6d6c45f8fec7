// The pages of `loadctl help TOPIC`.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace loadtest {

struct HelpTopic {
  std::string_view name;
  std::string_view summary;
  std::string_view text;
};

const std::vector<HelpTopic>& HelpTopics();

// nullptr: there is none of that name.
const HelpTopic* FindHelpTopic(std::string_view name);

}  // namespace loadtest
