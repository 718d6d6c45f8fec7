#include "driver/lifeline.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <string>

namespace loadtest {
namespace {

TEST(LifelineTest, IsCutWhenTheOtherEndIsClosed) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const absl::StatusOr<Lifeline> lifeline = Lifeline::Create(std::to_string(ends[0]));
  ASSERT_TRUE(lifeline.ok()) << lifeline.status();
  EXPECT_FALSE(lifeline->IsCut());
  close(ends[1]);
  EXPECT_TRUE(lifeline->IsCut());
  close(ends[0]);
}

TEST(LifelineTest, WhoHasNoneIsNeverCutOff) { EXPECT_FALSE(Lifeline().IsCut()); }

TEST(LifelineTest, MustBeAnOpenDescriptor) {
  for (const std::string text : {"", "x", "-1", "7x", "1000000"}) {
    EXPECT_EQ(Lifeline::Create(text).status().message(),
              "--lifeline_fd: got \"" + text + "\", want the number of an open descriptor");
  }
}

}  // namespace
}  // namespace loadtest
