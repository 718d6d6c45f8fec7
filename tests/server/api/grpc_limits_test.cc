// What clients of the gRPC door may do wrong without anybody else noticing.
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "loadtest/v1/service.grpc.pb.h"
#include "server/api/grpc_server.h"
#include "tests/server/api/api_samples.h"
#include "tests/server/api/fake_control_plane.h"
#include "tests/server/api/grpc_channel.h"
#include "tests/server/api/raw_client.h"

namespace loadtest {
namespace {

class GrpcLimitsTest : public testing::Test {
 protected:
  GrpcLimitsTest() {
    fake_.AddTest(SampleTest("a", v1::LoadTest::RUNNING));
    Start({.handshake = std::chrono::milliseconds(300)});
  }

  void Start(const GrpcLimits& limits) {
    server_ = nullptr;
    auto server = GrpcServer::Start("127.0.0.1:0", fake_, {}, limits);
    EXPECT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }

  // An ordinary call of a client of its own.
  bool Serves() {
    const auto stub = v1::LoadTestService::NewStub(ChannelTo(server_->port()));
    v1::GetLoadTestRequest request;
    request.set_name("loadTests/a");
    v1::LoadTest test;
    CallContext context;
    return stub->GetLoadTest(&context, request, &test).ok();
  }

  FakeControlPlane fake_;
  std::unique_ptr<GrpcServer> server_;
};

TEST_F(GrpcLimitsTest, AMessageOverTheLimitIsRefused) {
  const auto stub = v1::LoadTestService::NewStub(ChannelTo(server_->port()));
  v1::CreateLoadTestRequest request;
  request.mutable_spec()->mutable_request()->set_body(std::string(size_t{67} << 20, 'x'));
  v1::LoadTest test;
  CallContext context(std::chrono::seconds(60));
  const grpc::Status status = stub->CreateLoadTest(&context, request, &test);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED) << status.error_message();
  EXPECT_TRUE(Serves());
}

TEST_F(GrpcLimitsTest, AClientThatSaysNothingIsClosed) {
  RawClient silent(server_->port());
  RawClient half(server_->port());
  half.Send("PRI * HTTP/2.0\r\n");
  EXPECT_TRUE(Serves()) << "nobody waits for them";
  silent.ReadToEnd();
  half.ReadToEnd();
  EXPECT_TRUE(silent.closed());
  EXPECT_TRUE(half.closed());
  EXPECT_TRUE(Serves());
}

TEST_F(GrpcLimitsTest, ClientsThatSayNothingGiveWayToOneThatDoes) {
  Start({.max_connections = 8, .handshake = std::chrono::minutes(1)});
  const auto stub = v1::LoadTestService::NewStub(ChannelTo(server_->port()));
  v1::WatchLoadTestRequest request;
  request.set_name("loadTests/a");
  CallContext context(std::chrono::seconds(60));
  const auto watch = stub->WatchLoadTest(&context, request);
  v1::LoadTestUpdate update;
  ASSERT_TRUE(watch->Read(&update));
  std::vector<std::unique_ptr<RawClient>> silent;
  for (int i = 0; i < 100; ++i) silent.push_back(std::make_unique<RawClient>(server_->port()));
  EXPECT_TRUE(Serves());
  silent[0]->ReadToEnd();
  EXPECT_TRUE(silent[0]->closed()) << "the one that has been silent longest";
  fake_.Publish("loadTests/a", SampleUpdate(0.25));
  EXPECT_TRUE(watch->Read(&update)) << "it is not silent";
  context.TryCancel();
  watch->Finish();
}

TEST_F(GrpcLimitsTest, OneConnectionTooManyIsClosedWhileTheOthersAreInUse) {
  Start({.max_connections = 4});
  v1::WatchLoadTestRequest request;
  request.set_name("loadTests/a");
  std::vector<std::unique_ptr<CallContext>> contexts;
  std::vector<std::unique_ptr<grpc::ClientReader<v1::LoadTestUpdate>>> watches;
  v1::LoadTestUpdate update;
  for (int i = 0; i < 4; ++i) {
    const auto stub = v1::LoadTestService::NewStub(ChannelTo(server_->port()));
    contexts.push_back(std::make_unique<CallContext>(std::chrono::seconds(60)));
    watches.push_back(stub->WatchLoadTest(contexts.back().get(), request));
    ASSERT_TRUE(watches.back()->Read(&update)) << i;
  }
  RawClient refused(server_->port());
  refused.ReadToEnd();
  EXPECT_TRUE(refused.closed());
  // One of them goes, and there is room again.
  contexts.back()->TryCancel();
  watches.back()->Finish();
  watches.pop_back();
  contexts.pop_back();  // it holds the connection
  bool serves = false;
  for (int i = 0; i < 1'000 && !serves; ++i) {
    serves = Serves();
    if (!serves) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_TRUE(serves);
  for (const auto& context : contexts) context->TryCancel();
  for (const auto& watch : watches) watch->Finish();
}

// Descriptors that are used up for a moment must not close the door for good.
TEST_F(GrpcLimitsTest, ServesAgainWhenThereAreDescriptorsAgain) {
  const int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int lowest_free = dup(client);
  close(lowest_free);
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none{.rlim_cur = static_cast<rlim_t>(lowest_free), .rlim_max = before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(server_->port()));
  EXPECT_EQ(connect(client, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  // The server cannot take it, and nothing comes from it.
  pollfd silence{.fd = client, .events = POLLIN, .revents = 0};
  EXPECT_EQ(poll(&silence, 1, 100), 0);
  setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_TRUE(Serves());
  close(client);
}

TEST_F(GrpcLimitsTest, AClientThatSpeaksSomethingElseIsClosed) {
  for (const std::string& bytes :
       {std::string("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), std::string(100'000, '\xff'),
        // The preface of HTTP/2, then a frame of 16 MB of an unknown type.
        std::string("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff")}) {
    RawClient client(server_->port());
    client.Send(bytes);
    client.ReadToEnd();
    EXPECT_TRUE(client.closed()) << bytes.size();
  }
  EXPECT_TRUE(Serves());
}

// What is too much waits in the client, as HTTP/2 has it, for the end of another call.
TEST_F(GrpcLimitsTest, OneStreamMoreThanAConnectionMayHaveWaitsForAnother) {
  constexpr int kStreams = 512;
  const auto stub = v1::LoadTestService::NewStub(ChannelTo(server_->port()));
  v1::WatchLoadTestRequest request;
  request.set_name("loadTests/a");
  std::vector<std::unique_ptr<CallContext>> contexts;
  std::vector<std::unique_ptr<grpc::ClientReader<v1::LoadTestUpdate>>> readers;
  for (int i = 0; i < kStreams; ++i) {
    contexts.push_back(std::make_unique<CallContext>(std::chrono::seconds(60)));
    readers.push_back(stub->WatchLoadTest(contexts.back().get(), request));
    v1::LoadTestUpdate update;
    ASSERT_TRUE(readers.back()->Read(&update)) << i;
  }
  std::promise<bool> came;
  std::future<bool> first_update = came.get_future();
  std::thread another([&] {
    CallContext context(std::chrono::seconds(60));
    const auto reader = stub->WatchLoadTest(&context, request);
    v1::LoadTestUpdate update;
    came.set_value(reader->Read(&update));
    context.TryCancel();
    reader->Finish();
  });
  EXPECT_EQ(first_update.wait_for(std::chrono::milliseconds(200)), std::future_status::timeout);
  EXPECT_EQ(fake_.open_watches(), kStreams);
  EXPECT_TRUE(Serves()) << "a connection of another client is not concerned";
  contexts[0]->TryCancel();
  EXPECT_TRUE(first_update.get());
  another.join();
  for (const auto& context : contexts) context->TryCancel();
  for (const auto& reader : readers) reader->Finish();
}

}  // namespace
}  // namespace loadtest
