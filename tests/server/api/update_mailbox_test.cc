#include "server/api/update_mailbox.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/server/api/api_samples.h"

namespace loadtest {
namespace {

UpdateMailbox::Update Shared(const v1::LoadTestUpdate& update) {
  return std::make_shared<const v1::LoadTestUpdate>(update);
}

UpdateMailbox::Update TakeUpdate(UpdateMailbox& box) {
  std::optional<UpdateMailbox::Item> item = box.Take();
  if (!item || !std::holds_alternative<UpdateMailbox::Update>(*item)) return nullptr;
  return std::get<UpdateMailbox::Update>(*item);
}

TEST(UpdateMailboxTest, NewBoxHasNothingToTake) {
  UpdateMailbox box;
  EXPECT_FALSE(box.Take().has_value());
}

TEST(UpdateMailboxTest, UpdateIsTakenOnceWithoutACopy) {
  UpdateMailbox box;
  const UpdateMailbox::Update update = Shared(SampleUpdate(0.5));
  box.Put(update);
  EXPECT_EQ(TakeUpdate(box), update);
  EXPECT_FALSE(box.Take().has_value());
}

TEST(UpdateMailboxTest, LatestUpdateWins) {
  UpdateMailbox box;
  box.Put(Shared(SampleUpdate(0.1)));
  box.Put(Shared(SampleUpdate(0.2)));
  box.Put(Shared(SampleUpdate(0.3)));
  EXPECT_EQ(TakeUpdate(box)->progress(), 0.3);
  EXPECT_FALSE(box.Take().has_value());
}

TEST(UpdateMailboxTest, EventsOfReplacedUpdatesComeFirst) {
  UpdateMailbox box;
  box.Put(Shared(SampleUpdate(0.1, "created")));
  box.Put(Shared(SampleUpdate(0.2, "started")));
  box.Put(Shared(SampleUpdate(0.3, "driver_lost")));
  const UpdateMailbox::Update taken = TakeUpdate(box);
  ASSERT_EQ(taken->events_size(), 3);
  EXPECT_EQ(taken->events(0).type(), "created");
  EXPECT_EQ(taken->events(1).type(), "started");
  EXPECT_EQ(taken->events(2).type(), "driver_lost");
}

TEST(UpdateMailboxTest, EventsAreToldOnce) {
  UpdateMailbox box;
  box.Put(Shared(SampleUpdate(0.1, "created")));
  box.Put(Shared(SampleUpdate(0.2)));
  EXPECT_EQ(TakeUpdate(box)->events_size(), 1);
  box.Put(Shared(SampleUpdate(0.3)));
  EXPECT_EQ(TakeUpdate(box)->events_size(), 0);
}

TEST(UpdateMailboxTest, OfTooManyEventsTheOldestAreDropped) {
  UpdateMailbox box;
  for (int i = 0; i < 1'200; ++i) box.Put(Shared(SampleUpdate(0.1, std::to_string(i))));
  const UpdateMailbox::Update taken = TakeUpdate(box);
  ASSERT_EQ(taken->events_size(), 1'000);
  EXPECT_EQ(taken->events(0).type(), "200");
  EXPECT_EQ(taken->events(999).type(), "1199");
}

TEST(UpdateMailboxTest, EndComesAfterTheLastUpdateAndOnce) {
  UpdateMailbox box;
  box.Put(Shared(SampleUpdate(1.0)));
  box.Close(absl::NotFoundError("gone"));
  EXPECT_EQ(TakeUpdate(box)->progress(), 1.0);
  const std::optional<UpdateMailbox::Item> end = box.Take();
  ASSERT_TRUE(end.has_value());
  EXPECT_EQ(std::get<UpdateMailbox::Ended>(*end).status, absl::NotFoundError("gone"));
  EXPECT_FALSE(box.Take().has_value());
}

TEST(UpdateMailboxTest, FirstEndCounts) {
  UpdateMailbox box;
  box.Close(absl::OkStatus());
  box.Close(absl::UnavailableError("orchestrator is stopping"));
  box.Put(Shared(SampleUpdate(0.5)));
  EXPECT_TRUE(std::get<UpdateMailbox::Ended>(*box.Take()).status.ok());
  EXPECT_FALSE(box.Take().has_value());
}

TEST(UpdateMailboxTest, ReaderIsWokenOnlyWhenTheBoxWasEmpty) {
  UpdateMailbox box;
  EXPECT_TRUE(box.Put(Shared(SampleUpdate(0.1))));
  EXPECT_FALSE(box.Put(Shared(SampleUpdate(0.2))));
  EXPECT_FALSE(box.Close(absl::OkStatus()));
  UpdateMailbox empty;
  EXPECT_TRUE(empty.Close(absl::OkStatus()));
}

}  // namespace
}  // namespace loadtest
