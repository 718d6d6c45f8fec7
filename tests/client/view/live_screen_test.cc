#include "client/view/live_screen.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "client/sample_messages.h"

namespace loadtest {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

std::string Text(const Canvas& canvas) {
  std::string text;
  for (int row = 0; row < canvas.rows(); ++row) text += canvas.Plain(row) + "\n";
  return text;
}

// The fourth of ten seconds of a ramp to 600/s; d2 is lost, some requests time out.
LiveState RampAtFourSeconds() {
  LiveState state;
  v1::LoadTestUpdate update = SampleUpdate();
  v1::LoadTestSpec& spec = *update.mutable_load_test()->mutable_spec();
  spec.set_title("Ramp");
  spec.mutable_request()->set_method("GET");
  spec.mutable_request()->set_url("http://127.0.0.1:8081/ping");
  v1::Stage& ramp = *spec.mutable_stages()->add_stages();
  ramp.set_to(600);
  ramp.mutable_duration()->set_seconds(6);
  v1::Stage& plateau = *spec.mutable_stages()->add_stages();
  plateau.set_from(600);
  plateau.set_to(600);
  plateau.mutable_duration()->set_seconds(4);
  spec.mutable_duration()->set_seconds(10);
  update.mutable_load_test()->mutable_start_time()->set_seconds(1'000);
  for (int64_t second = 1; second <= 4; ++second) {
    update.mutable_interval()->set_start_offset_ns((second - 1) * kSecond);
    update.mutable_interval()->set_end_offset_ns(second * kSecond);
    update.mutable_interval()->mutable_counts()->set_sent(second * 100 - 50);
    update.mutable_interval()->mutable_counts()->set_completed(second * 100 - 51);
    update.mutable_interval()->mutable_response_time()->set_p99_ns(second * 1'200'000);
    update.mutable_interval()->mutable_response_time()->set_max_ns(second * 2'000'000);
    update.clear_events();
    if (second == 1) {
      update.add_events()->set_type("created");
      v1::Event& started = *update.add_events();
      started.set_type("started");
      started.set_message("3 drivers");
    }
    if (second == 3) {
      v1::Event& lost = *update.add_events();
      lost.set_type("driver_lost");
      lost.set_message("d2: no heartbeat");
      lost.mutable_time()->set_seconds(1'003);
    }
    state.Apply(update);
  }
  update.clear_events();
  update.mutable_drivers(1)->set_state(v1::Driver::LOST);
  for (v1::DriverProgress& driver : *update.mutable_drivers()) {
    driver.mutable_counts()->set_sent(266);
    driver.set_send_delay_p99_ns(21'000);
    driver.set_cpu_cores(0.04);
  }
  update.mutable_response_time()->set_count(790);
  update.mutable_response_time()->set_p50_ns(1'100'000);
  update.mutable_response_time()->set_p99_ns(4'700'000);
  update.mutable_response_time()->set_max_ns(8'000'000);
  v1::ErrorCount& error = *update.add_errors();
  error.set_kind(v1::REQUEST_TIMEOUT);
  error.set_count(1);
  error.set_example("no response within 10s");
  update.mutable_verdict()->set_level(v1::Verdict::DEGRADED);
  v1::VerdictReason& reason = *update.mutable_verdict()->add_reasons();
  reason.set_driver_id("d2");
  reason.set_resource("driver");
  reason.set_message("lost");
  v1::ThresholdResult& threshold = *update.add_thresholds();
  threshold.set_expression("p99<50ms");
  threshold.set_passed(true);
  threshold.set_actual("4.7ms");
  state.Apply(update);
  return state;
}

TEST(LiveScreen, ShowsAWholeTest) {
  EXPECT_EQ(
      Text(LiveScreen(RampAtFourSeconds(), {.columns = 100, .rows = 34, .footer = "Ctrl-C"})),
      R"(tsunami-1  running                                                                              Ramp
3 drivers, rate in 2 stages, 0/s to 600/s, open loop (stages), 10s
GET http://127.0.0.1:8081/ping

 40 %  ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━  4s, 6s left

                    now     in all    sent, up to 600/s                                    0s to 10s
sent              350/s      1,200                                ··································
wanted            350/s      1,200                       ▃▃▃▃▃▃···
answered          349/s      1,198              ··▃▅▅▅▅▅▇██████
errors              0/s          2    ▃▃▃▃▃▃▇██████████████████
p50              1.23ms     1.10ms    p99, up to 4.80ms
p99              4.80ms     4.70ms                      ███████
max              8.00ms     8.00ms                █████████████
                                            ███████████████████
                                      █████████████████████████

thresholds  kept    p99<50ms  is 4.7ms

errors      1  request timeout: no response within 10s
            1  answered with status 400 and above

drivers           state            sent    errors    delay p99     cpu
d1                running           266         0       21.0us    0.04
d2                LOST              266         0       21.0us    0.04
d3                running           266         0       21.0us    0.04

events            created
                  started: 3 drivers
            3s    driver lost: d2: no heartbeat

verdict     DEGRADED so far: drivers or intervals are missing
            d2: lost
Ctrl-C
)");
}

TEST(LiveScreen, FitsOnANarrowTerminal) {
  EXPECT_EQ(Text(LiveScreen(RampAtFourSeconds(), {.columns = 40, .rows = 24, .footer = "Ctrl-C"})),
            R"(tsunami-1  running                  Ramp
3 drivers, rate in 2 stages, 0/s to 6...
GET http://127.0.0.1:8081/ping
 40 %  ━━━━━━━━━━━━━━━  4s, 6s left
                    now     in all
sent              350/s      1,200
wanted            350/s      1,200
answered          349/s      1,198
errors              0/s          2
p50              1.23ms     1.10ms
p99              4.80ms     4.70ms
max              8.00ms     8.00ms
sent        ▁▁▁▂▂▃▃▃▄▅▅▅················
p99         ▂▂▄▄▄▆▆▆████
thresholds  kept    p99<50ms  is 4.7ms
errors      1  request timeout: no re...
            1  answered with status 4...
drivers   state      delay p99     cpu
d2        LOST          21.0us    0.04
events      3s    driver lost: d2: no...
verdict     DEGRADED so far: drivers or
            intervals are missing
            d2: lost
Ctrl-C
)");
}

TEST(LiveScreen, OfAFewRowsTheMostImportantOnesAreThere) {
  EXPECT_EQ(Text(LiveScreen(RampAtFourSeconds(), {.columns = 72, .rows = 8, .footer = "Ctrl-C"})),
            R"(tsunami-1  running                                                  Ramp
 40 %  ━━━━━━━━━━━━━━━━━━╸━━━━━━━━━━━━━━━━━━━━━━━━━━━━  4s, 6s left
                    now     in all    sent, up to 600/s        0s to 10s
sent              350/s      1,200    ▁▁▁▁▂▂▂▃▃▃▄▅▅▅····················
errors              0/s          2    p99, up to 4.80ms
p99              4.80ms     4.70ms    ▂▂▂▄▄▄▆▆▆▆████
verdict     DEGRADED so far: drivers or intervals are missing
Ctrl-C
)");
}

TEST(LiveScreen, OfFewNumbersTheMostImportantOnesAreThere) {
  EXPECT_EQ(Text(LiveScreen(RampAtFourSeconds(), {.columns = 36, .rows = 8, .footer = "Ctrl-C"})),
            R"(tsunami-1  running              Ramp
 40 %  ━━━━━━━━━━━  4s, 6s left
                    now     in all
sent              350/s      1,200
p99              4.80ms     4.70ms
thresholds  kept    p99<50ms  is ...
verdict     DEGRADED so far: drivers
Ctrl-C
)");
}

TEST(LiveScreen, NoNumberIsCut) {
  const std::string text = Text(LiveScreen(RampAtFourSeconds(), {.columns = 30, .rows = 24}));
  EXPECT_NE(text.find("\n                    now\nsent              350/s\n"), std::string::npos)
      << text;
}

TEST(LiveScreen, NothingIsJudgedBeforeItIsMeasured) {
  v1::LoadTestUpdate update = SampleUpdate();
  update.clear_interval();
  update.clear_verdict();
  v1::ThresholdResult& threshold = *update.add_thresholds();
  threshold.set_expression("p99<50ms");
  LiveState state;
  state.Apply(update);
  const std::string text = Text(LiveScreen(state, {.columns = 80, .rows = 24}));
  EXPECT_NE(text.find("\nthresholds  not yet p99<50ms\n"), std::string::npos) << text;
  EXPECT_NE(text.find("\nverdict     not yet\n"), std::string::npos) << text;
}

TEST(LiveScreen, AThresholdOfWindowsSaysWhichOneBrokeIt) {
  LiveState state = RampAtFourSeconds();
  v1::LoadTestUpdate update = state.update();
  v1::ThresholdResult& threshold = *update.mutable_thresholds(0);
  threshold.set_passed(false);
  threshold.set_actual("61ms");
  threshold.set_windows(2);
  threshold.set_windows_failed(1);
  threshold.set_window_start_offset_ns(1 * kSecond);
  threshold.set_window_end_offset_ns(2 * kSecond);
  state.Apply(update);
  const std::string text = Text(LiveScreen(state, {.columns = 100, .rows = 34}));
  EXPECT_NE(text.find("BROKEN  p99<50ms  got 61ms from 1s to 2s, 1 of 2 windows failed"),
            std::string::npos)
      << text;
}

TEST(LiveScreen, ErrorsOfTheServerAreToldApartByStatus) {
  LiveState state = RampAtFourSeconds();
  v1::LoadTestUpdate update = state.update();
  (*update.mutable_status_codes())[200] = 1'150;
  (*update.mutable_status_codes())[500] = 2;
  (*update.mutable_status_codes())[404] = 46;
  state.Apply(update);
  const std::string text = Text(LiveScreen(state, {.columns = 100, .rows = 36}));
  EXPECT_NE(text.find("errors      46  answered with status 404\n"
                      "            2  answered with status 500\n"
                      "            1  request timeout: no response within 10s\n"),
            std::string::npos)
      << text;
}

TEST(LiveScreen, ChartsTakeTheRoomOfATallTerminal) {
  const std::string text = Text(LiveScreen(RampAtFourSeconds(), {.columns = 100, .rows = 60}));
  const size_t begin = text.find("sent, up to");
  const size_t end = text.find("\nthresholds");
  ASSERT_NE(begin, std::string::npos);
  const std::string between = text.substr(begin, end - begin);
  EXPECT_EQ(std::count(between.begin(), between.end(), '\n'), 24) << text;
}

TEST(LiveScreen, WithoutUnicodeItIsAscii) {
  const std::string text = Text(LiveScreen(
      RampAtFourSeconds(), {.columns = 200, .rows = 50, .unicode = false, .footer = "Ctrl-C"}));
  for (const char c : text) EXPECT_TRUE(c == '\n' || (c >= 0x20 && c < 0x7f)) << text;
}

TEST(LiveScreen, AnySizeIsDrawn) {
  const LiveState state = RampAtFourSeconds();
  for (int columns = 0; columns < 220; columns += 7) {
    for (int rows = 0; rows < 60; rows += 3) {
      const Canvas canvas = LiveScreen(state, {.columns = columns, .rows = rows});
      EXPECT_EQ(canvas.rows(), rows);
    }
  }
  EXPECT_EQ(Text(LiveScreen(LiveState(), {.columns = 0, .rows = 0})), "");
}

TEST(LiveScreen, ATestThatWaitsSaysWhatFor) {
  LiveState state;
  v1::LoadTestUpdate update;
  update.mutable_load_test()->set_name("loadTests/x");
  update.mutable_load_test()->set_state(v1::LoadTest::PENDING);
  update.mutable_load_test()->set_state_reason("waits for 2 more idle drivers");
  state.Apply(update);
  const std::string text = Text(LiveScreen(state, {.columns = 60, .rows = 12}));
  EXPECT_NE(text.find("x  pending\n"), std::string::npos) << text;
  EXPECT_NE(text.find("\nwaits for 2 more idle drivers\n"), std::string::npos) << text;
}

TEST(LiveScreen, TimeGoesOnBetweenUpdates) {
  const std::string text =
      Text(LiveScreen(RampAtFourSeconds(), {.columns = 80, .rows = 20, .age_ns = 2 * kSecond}));
  EXPECT_NE(text.find(" 60 %"), std::string::npos) << text;
  EXPECT_NE(text.find("  6s, 4s left"), std::string::npos) << text;
}

TEST(LiveScreen, ALongSilenceIsSaid) {
  const std::string text =
      Text(LiveScreen(RampAtFourSeconds(), {.columns = 80, .rows = 20, .age_ns = 5 * kSecond}));
  EXPECT_NE(text.find("no news for 5s"), std::string::npos) << text;
}

TEST(LiveScreen, OfManyDriversThoseThatNeedAttentionAreShown) {
  v1::LoadTestUpdate update = SampleUpdate();
  update.clear_drivers();
  for (int i = 0; i < 60; ++i) {
    v1::DriverProgress& driver = *update.add_drivers();
    driver.set_driver_id("driver-" + std::to_string(i));
    driver.set_state(i == 47 ? v1::Driver::LOST : v1::Driver::RUNNING);
    driver.set_send_delay_p99_ns(i == 33 ? 9'000'000 : 1'000);
  }
  LiveState state;
  state.Apply(update);
  const std::string text = Text(LiveScreen(state, {.columns = 80, .rows = 24}));
  const size_t lost = text.find("driver-47");
  const size_t late = text.find("driver-33");
  ASSERT_NE(lost, std::string::npos) << text;
  ASSERT_NE(late, std::string::npos) << text;
  EXPECT_LT(lost, late);
  EXPECT_NE(text.find(" of 60"), std::string::npos);
}

TEST(LiveScreen, TitlesAndUrlsCannotPlayTricks) {
  v1::LoadTestUpdate update = SampleUpdate();
  update.mutable_load_test()->mutable_spec()->set_title("a\x1b[2Jb");
  update.mutable_load_test()->mutable_spec()->mutable_request()->set_url("http://x/\x1b]0;y\x07");
  LiveState state;
  state.Apply(update);
  const std::string text = Text(LiveScreen(state, {.columns = 80, .rows = 24}));
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_EQ(text.find('\x07'), std::string::npos);
}

TEST(LiveScreen, WhereOneThresholdFitsItIsABrokenOne) {
  LiveState state = RampAtFourSeconds();
  v1::LoadTestUpdate update = state.update();
  v1::ThresholdResult& broken = *update.add_thresholds();
  broken.set_expression("errors<0.1%");
  broken.set_actual("3%");
  state.Apply(update);
  const std::string text = Text(LiveScreen(state, {.columns = 44, .rows = 10}));
  EXPECT_NE(text.find("thresholds  BROKEN  errors<0.1%  and 1 more"), std::string::npos) << text;
}

}  // namespace
}  // namespace loadtest
