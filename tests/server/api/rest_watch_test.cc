// Server-sent events.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_format.h"
#include "server/api/rest_server.h"
#include "tests/server/api/api_samples.h"
#include "tests/server/api/fake_control_plane.h"
#include "tests/server/api/raw_client.h"

namespace loadtest {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

class RestWatchTest : public testing::Test {
 protected:
  RestWatchTest() {
    fake_.AddTest(SampleTest("a", v1::LoadTest::RUNNING));
    Start({});
  }

  void Start(const RestOptions& options) {
    server_ = nullptr;
    auto server = RestServer::Start("127.0.0.1:0", fake_, options);
    EXPECT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }

  std::unique_ptr<RawClient> Watch(const std::string& id) {
    auto client = std::make_unique<RawClient>(server_->port());
    client->Send("GET /v1/loadTests/" + id + ":watch HTTP/1.1\r\nHost: localhost\r\n\r\n");
    return client;
  }

  bool WaitForOpenWatches(int wanted) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (fake_.open_watches() != wanted && std::chrono::steady_clock::now() < deadline) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return fake_.open_watches() == wanted;
  }

  FakeControlPlane fake_;
  std::unique_ptr<RestServer> server_;
};

TEST_F(RestWatchTest, FirstEventIsTheTestAsItIs) {
  const auto client = Watch("a");
  const std::string text = client->ReadUntil("\n\n");
  EXPECT_THAT(text, StartsWith("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"));
  EXPECT_THAT(text, HasSubstr("\r\n\r\nevent: update\ndata: {"));
  EXPECT_THAT(text, HasSubstr("\"loadTests/a\""));
}

TEST_F(RestWatchTest, UpdatesFollowAndTheStreamEndsWithTheTest) {
  const auto client = Watch("a");
  client->ReadUntil("\n\n");
  fake_.Publish("loadTests/a", SampleUpdate(0.25));
  EXPECT_THAT(client->ReadUntil("0.25"), HasSubstr("event: update\ndata: {"));
  fake_.Publish("loadTests/a", SampleUpdate(1.0, "finished"));
  fake_.EndWatches("loadTests/a", absl::OkStatus());
  const std::string text = client->ReadToEnd();
  EXPECT_TRUE(client->closed());
  EXPECT_THAT(text, HasSubstr("\"finished\""));
  EXPECT_THAT(text, EndsWith("\n\nevent: end\ndata: {}\n\n"));
}

TEST_F(RestWatchTest, EachEventIsOneLineOfData) {
  v1::LoadTestUpdate update = SampleUpdate(0.5);
  update.mutable_load_test()->set_state_reason("two\nlines\r\nand\n\nmore");
  const auto client = Watch("a");
  client->ReadUntil("\n\n");
  fake_.Publish("loadTests/a", update);
  EXPECT_THAT(client->ReadUntil("more"), HasSubstr("two\\nlines\\r\\nand\\n\\nmore"));
}

TEST_F(RestWatchTest, EndedTestIsToldOnce) {
  fake_.AddTest(SampleTest("done", v1::LoadTest::SUCCEEDED));
  const std::string text = Watch("done")->ReadToEnd();
  EXPECT_THAT(text, HasSubstr("\"SUCCEEDED\""));
  EXPECT_THAT(text, EndsWith("\n\nevent: end\ndata: {}\n\n"));
}

TEST_F(RestWatchTest, UnknownTestIsAnOrdinaryError) {
  const std::string text = Watch("none")->ReadToEnd();
  EXPECT_THAT(text, StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(text, HasSubstr("Content-Type: application/json\r\n"));
  EXPECT_THAT(text, HasSubstr("\"NOT_FOUND\""));
}

TEST_F(RestWatchTest, SilenceIsFilledWithComments) {
  Start({.stream_keep_alive = std::chrono::milliseconds(20)});
  const auto client = Watch("a");
  EXPECT_THAT(client->ReadUntil("\n\n: keep-alive\n\n: keep-alive\n\n"),
              HasSubstr("\n\n: keep-alive\n\n: keep-alive\n\n"));
}

TEST_F(RestWatchTest, ClosedClientEndsItsWatch) {
  auto client = Watch("a");
  client->ReadUntil("\n\n");
  ASSERT_TRUE(WaitForOpenWatches(1));
  client = nullptr;
  EXPECT_TRUE(WaitForOpenWatches(0));
}

TEST_F(RestWatchTest, StopEndsStreamsWithTheReason) {
  const auto client = Watch("a");
  client->ReadUntil("\n\n");
  server_->Stop();
  EXPECT_THAT(client->ReadToEnd(),
              EndsWith("event: end\ndata: {\"error\":{\"code\":503,\"status\":\"UNAVAILABLE\","
                       "\"message\":\"orchestrator is stopping\"}}\n\n"));
  EXPECT_EQ(fake_.open_watches(), 0);
}

// A hundred of them are more than the socket's buffers hold, so that a client that does not read
// leaves a write pending.
v1::LoadTestUpdate LargeUpdate(double progress, const std::string& event) {
  v1::LoadTestUpdate update = SampleUpdate(progress, event);
  update.mutable_load_test()->set_state_reason(std::string(1 << 20, 'x'));
  return update;
}

TEST_F(RestWatchTest, SlowReaderSkipsUpdatesButNoEventsAndHoldsUpNobody) {
  const auto slow = Watch("a");
  slow->ReadUntil("\n\n");
  for (int i = 1; i <= 100; ++i) {
    fake_.Publish("loadTests/a", LargeUpdate(i / 100.0, absl::StrFormat("event-%d.", i)));
  }
  fake_.EndWatches("loadTests/a", absl::OkStatus());
  const std::string text = slow->ReadToEnd();
  EXPECT_THAT(text, EndsWith("\n\nevent: end\ndata: {}\n\n"));
  EXPECT_LT(text.size(), 100u << 20);
  for (int i = 1; i <= 100; ++i) {
    EXPECT_NE(text.find(absl::StrFormat("\"event-%d.\"", i)), std::string::npos) << i;
  }
}

TEST_F(RestWatchTest, ReaderThatIsStuckIsClosed) {
  Start({.io_timeout = std::chrono::milliseconds(200)});
  const auto stuck = Watch("a");
  stuck->ReadUntil("\n\n");
  v1::LoadTestUpdate huge = SampleUpdate(0.5);
  huge.mutable_load_test()->set_state_reason(std::string(12 << 20, 'x'));
  fake_.Publish("loadTests/a", huge);
  ASSERT_EQ(fake_.open_watches(), 1);
  EXPECT_TRUE(WaitForOpenWatches(0));
}

TEST_F(RestWatchTest, ManyWatchersEachGetTheLastUpdate) {
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 256; ++i) clients.push_back(Watch("a"));
  ASSERT_TRUE(WaitForOpenWatches(256));
  fake_.Publish("loadTests/a", SampleUpdate(1.0, "finished"));
  fake_.EndWatches("loadTests/a", absl::OkStatus());
  for (const auto& client : clients) {
    const std::string text = client->ReadToEnd();
    EXPECT_THAT(text, HasSubstr("\"finished\""));
    EXPECT_THAT(text, EndsWith("event: end\ndata: {}\n\n"));
  }
}

}  // namespace
}  // namespace loadtest
