#include "client/view/verdict_hints.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace loadtest {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

void Add(v1::Verdict& verdict, v1::Verdict::Level level, const std::string& resource) {
  v1::VerdictReason& reason = *verdict.add_reasons();
  reason.set_level(level);
  reason.set_resource(resource);
}

TEST(WhatToDo, EachAdviceComesOnceAndTheGravestFirst) {
  v1::Verdict verdict;
  Add(verdict, v1::Verdict::DEGRADED, "driver");
  Add(verdict, v1::Verdict::INVALID, "descriptors");
  Add(verdict, v1::Verdict::INVALID, "descriptors");
  EXPECT_THAT(WhatToDo(verdict), ElementsAre(HasSubstr("ulimit -n"), HasSubstr("loadctl drivers")));
}

TEST(WhatToDo, EveryResourceThatAVerdictNamesHasAdvice) {
  for (const char* resource : {"send_delay", "cpu", "descriptors", "ports", "connections", "driver",
                               "intervals", "schedule"}) {
    v1::Verdict verdict;
    Add(verdict, v1::Verdict::INVALID, resource);
    EXPECT_EQ(WhatToDo(verdict).size(), 1u) << resource;
  }
}

TEST(WhatToDo, AnUnknownResourceHasNone) {
  v1::Verdict verdict;
  Add(verdict, v1::Verdict::INVALID, "luck");
  EXPECT_THAT(WhatToDo(verdict), IsEmpty());
}

}  // namespace
}  // namespace loadtest
