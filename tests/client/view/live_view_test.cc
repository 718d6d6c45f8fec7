#include "client/view/live_view.h"

#include <gtest/gtest.h>

#include <sstream>

#include "client/sample_messages.h"

namespace loadtest {
namespace {

v1::LoadTestUpdate UpdateAt(int64_t seconds) {
  v1::LoadTestUpdate update = SampleUpdate();
  update.mutable_interval()->set_start_offset_ns((seconds - 1) * 1'000'000'000);
  update.mutable_interval()->set_end_offset_ns(seconds * 1'000'000'000);
  return update;
}

v1::LoadTestUpdate Pending() {
  v1::LoadTestUpdate update;
  update.mutable_load_test()->set_state(v1::LoadTest::PENDING);
  update.mutable_load_test()->set_state_reason("waits for 1 more driver");
  return update;
}

class LiveViewTest : public testing::Test {
 protected:
  std::ostringstream out_, err_;
  std::istringstream in_;
  Terminal log_{.out = out_, .err = err_, .in = in_};
  Interrupts interrupts_;
};

TEST_F(LiveViewTest, ALogGetsALineASecond) {
  LiveView view(log_, interrupts_, /*quiet=*/false, LiveView::CtrlC::kStopsTheTest);
  for (const int64_t second : {1, 2}) {
    view.Update(UpdateAt(second));
    view.Update(UpdateAt(second));
  }
  view.Finish();
  EXPECT_EQ(err_.str(),
            "1s  40%  1s left  600/s  p50 1.23ms  p99 4.56ms  errors 2  3 drivers\n"
            "2s  40%  3s left  600/s  p50 1.23ms  p99 4.56ms  errors 2  3 drivers\n");
}

TEST_F(LiveViewTest, ALogSaysOnceWhatATestWaitsFor) {
  LiveView view(log_, interrupts_, /*quiet=*/false, LiveView::CtrlC::kStopsTheTest);
  view.Update(Pending());
  view.Update(Pending());
  EXPECT_EQ(err_.str(), "pending: waits for 1 more driver\n");
}

TEST_F(LiveViewTest, ALogGetsALineForAnEventThatMatters) {
  LiveView view(log_, interrupts_, /*quiet=*/false, LiveView::CtrlC::kStopsTheTest);
  v1::LoadTestUpdate update = Pending();
  update.add_events()->set_type("started");
  v1::Event& lost = *update.add_events();
  lost.set_type("driver_lost");
  lost.set_message("d2 was silent for 3 s\x1b[2J");
  view.Update(update);
  EXPECT_EQ(err_.str(),
            "driver lost: d2 was silent for 3 s?[2J\n"
            "pending: waits for 1 more driver\n");
}

TEST_F(LiveViewTest, QuietMeansNothing) {
  LiveView view(log_, interrupts_, /*quiet=*/true, LiveView::CtrlC::kStopsTheTest);
  view.Update(UpdateAt(1));
  view.Finish();
  EXPECT_EQ(err_.str(), "");
}

}  // namespace
}  // namespace loadtest
