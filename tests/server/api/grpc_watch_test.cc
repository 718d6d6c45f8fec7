#include "server/api/grpc_watch.h"

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "loadtest/v1/service.grpc.pb.h"
#include "server/api/grpc_server.h"
#include "tests/server/api/api_samples.h"
#include "tests/server/api/fake_control_plane.h"
#include "tests/server/api/grpc_channel.h"

namespace loadtest {
namespace {

class GrpcWatchTest : public testing::Test {
 protected:
  GrpcWatchTest() {
    fake_.AddTest(SampleTest("a", v1::LoadTest::RUNNING));
    auto server = GrpcServer::Start("127.0.0.1:0", fake_);
    EXPECT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    stub_ = v1::LoadTestService::NewStub(ChannelTo(server_->port()));
  }

  // Opens a watch and takes its first update.
  std::unique_ptr<grpc::ClientReader<v1::LoadTestUpdate>> Watch(grpc::ClientContext& context,
                                                                const std::string& name) {
    v1::WatchLoadTestRequest request;
    request.set_name(name);
    auto reader = stub_->WatchLoadTest(&context, request);
    v1::LoadTestUpdate first;
    reader->Read(&first);
    return reader;
  }

  bool WaitForOpenWatches(int wanted) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (fake_.open_watches() != wanted && std::chrono::steady_clock::now() < deadline) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return fake_.open_watches() == wanted;
  }

  FakeControlPlane fake_;
  std::unique_ptr<GrpcServer> server_;
  std::unique_ptr<v1::LoadTestService::Stub> stub_;
};

TEST_F(GrpcWatchTest, UpdatesArriveAndTheStreamEndsWithTheTest) {
  CallContext context;
  const auto reader = Watch(context, "loadTests/a");
  v1::LoadTestUpdate update;
  fake_.Publish("loadTests/a", SampleUpdate(0.25));
  ASSERT_TRUE(reader->Read(&update));
  EXPECT_EQ(update.progress(), 0.25);
  fake_.Publish("loadTests/a", SampleUpdate(1.0));
  fake_.EndWatches("loadTests/a", absl::OkStatus());
  ASSERT_TRUE(reader->Read(&update));
  EXPECT_EQ(update.progress(), 1.0);
  EXPECT_FALSE(reader->Read(&update));
  EXPECT_TRUE(reader->Finish().ok());
}

TEST_F(GrpcWatchTest, EndedTestIsToldOnce) {
  fake_.AddTest(SampleTest("done", v1::LoadTest::SUCCEEDED));
  CallContext context;
  v1::WatchLoadTestRequest request;
  request.set_name("loadTests/done");
  const auto reader = stub_->WatchLoadTest(&context, request);
  v1::LoadTestUpdate update;
  ASSERT_TRUE(reader->Read(&update));
  EXPECT_EQ(update.load_test().state(), v1::LoadTest::SUCCEEDED);
  EXPECT_FALSE(reader->Read(&update));
  EXPECT_TRUE(reader->Finish().ok());
}

TEST_F(GrpcWatchTest, UnknownTestIsNotFound) {
  CallContext context;
  const grpc::Status status = Watch(context, "loadTests/none")->Finish();
  EXPECT_EQ(status.error_code(), grpc::NOT_FOUND);
  EXPECT_EQ(status.error_message(), "name: got \"loadTests/none\", no such load test");
}

TEST_F(GrpcWatchTest, CancelledStreamEndsItsWatch) {
  CallContext context;
  const auto reader = Watch(context, "loadTests/a");
  ASSERT_TRUE(WaitForOpenWatches(1));
  context.TryCancel();
  EXPECT_TRUE(WaitForOpenWatches(0));
  EXPECT_EQ(reader->Finish().error_code(), grpc::CANCELLED);
}

TEST_F(GrpcWatchTest, StopEndsOpenStreamsWithTheReason) {
  CallContext context;
  const auto reader = Watch(context, "loadTests/a");
  server_->Stop();
  v1::LoadTestUpdate update;
  EXPECT_FALSE(reader->Read(&update));
  const grpc::Status status = reader->Finish();
  EXPECT_EQ(status.error_code(), grpc::UNAVAILABLE);
  EXPECT_EQ(status.error_message(), "orchestrator is stopping");
  EXPECT_EQ(fake_.open_watches(), 0);
}

// An update too large for the connection's buffers, so that a client that does not read leaves the
// write pending.
v1::LoadTestUpdate LargeUpdate(double progress) {
  v1::LoadTestUpdate update = SampleUpdate(progress);
  update.mutable_load_test()->set_state_reason(std::string(1 << 20, 'x'));
  return update;
}

TEST_F(GrpcWatchTest, SlowReaderSkipsUpdatesAndHoldsUpNobody) {
  CallContext slow_context;
  const auto slow = Watch(slow_context, "loadTests/a");
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 1; i <= 100; ++i) fake_.Publish("loadTests/a", LargeUpdate(i / 100.0));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(2));
  fake_.EndWatches("loadTests/a", absl::OkStatus());

  int read = 0;
  v1::LoadTestUpdate last;
  for (v1::LoadTestUpdate update; slow->Read(&update); ++read) last = update;
  EXPECT_TRUE(slow->Finish().ok());
  EXPECT_LT(read, 100);
  EXPECT_EQ(last.progress(), 1.0);
}

TEST_F(GrpcWatchTest, StopDoesNotWaitForAReaderThatIsStuck) {
  CallContext context;
  const auto stuck = Watch(context, "loadTests/a");
  for (int i = 1; i <= 100; ++i) fake_.Publish("loadTests/a", LargeUpdate(i / 100.0));
  const auto begin = std::chrono::steady_clock::now();
  server_->Stop(std::chrono::milliseconds(200));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(2));
  context.TryCancel();
  stuck->Finish();
}

TEST_F(GrpcWatchTest, ManyWatchersEachGetEveryLastUpdate) {
  constexpr int kWatchers = 256;
  std::vector<std::unique_ptr<CallContext>> contexts;
  std::vector<std::unique_ptr<grpc::ClientReader<v1::LoadTestUpdate>>> readers;
  for (int i = 0; i < kWatchers; ++i) {
    contexts.push_back(std::make_unique<CallContext>(std::chrono::seconds(60)));
    readers.push_back(Watch(*contexts.back(), "loadTests/a"));
  }
  EXPECT_EQ(fake_.open_watches(), 256);
  fake_.Publish("loadTests/a", SampleUpdate(1.0, "finished"));
  fake_.EndWatches("loadTests/a", absl::OkStatus());
  for (const auto& reader : readers) {
    v1::LoadTestUpdate update;
    ASSERT_TRUE(reader->Read(&update));
    EXPECT_EQ(update.events(0).type(), "finished");
    EXPECT_FALSE(reader->Read(&update));
    EXPECT_TRUE(reader->Finish().ok());
  }
}

}  // namespace
}  // namespace loadtest
