#include "server/api/grpc_server.h"

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_format.h"
#include "loadtest/v1/service.grpc.pb.h"
#include "tests/server/api/api_samples.h"
#include "tests/server/api/fake_control_plane.h"
#include "tests/server/api/grpc_channel.h"

namespace loadtest {
namespace {

class GrpcServerTest : public testing::Test {
 protected:
  GrpcServerTest() {
    auto server = GrpcServer::Start("127.0.0.1:0", fake_);
    EXPECT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    channel_ = ChannelTo(server_->port());
    stub_ = v1::LoadTestService::NewStub(channel_);
  }

  grpc::Status Create(const v1::CreateLoadTestRequest& request, v1::LoadTest& test) {
    CallContext context;
    return stub_->CreateLoadTest(&context, request, &test);
  }

  FakeControlPlane fake_;
  std::unique_ptr<GrpcServer> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::LoadTestService::Stub> stub_;
};

v1::CreateLoadTestRequest CreateRequest(const std::string& id) {
  v1::CreateLoadTestRequest request;
  request.set_load_test_id(id);
  *request.mutable_spec() = SampleSpec();
  return request;
}

TEST_F(GrpcServerTest, CreatedTestCanBeRead) {
  v1::LoadTest created;
  ASSERT_TRUE(Create(CreateRequest("smoke"), created).ok());
  EXPECT_EQ(created.name(), "loadTests/smoke");

  CallContext context;
  v1::GetLoadTestRequest request;
  request.set_name("loadTests/smoke");
  v1::LoadTest read;
  ASSERT_TRUE(stub_->GetLoadTest(&context, request, &read).ok());
  EXPECT_EQ(read.spec().requests_per_driver(), 1'000);
  EXPECT_EQ(read.state(), v1::LoadTest::PENDING);
}

TEST_F(GrpcServerTest, ValidateOnlyCreatesNothing) {
  v1::CreateLoadTestRequest request = CreateRequest("smoke");
  request.set_validate_only(true);
  v1::LoadTest checked;
  ASSERT_TRUE(Create(request, checked).ok());
  EXPECT_EQ(checked.name(), "");

  CallContext context;
  v1::ListLoadTestsResponse list;
  ASSERT_TRUE(stub_->ListLoadTests(&context, {}, &list).ok());
  EXPECT_EQ(list.load_tests_size(), 0);
}

TEST_F(GrpcServerTest, NoteIsWritten) {
  fake_.AddTest(SampleTest("a", v1::LoadTest::SUCCEEDED));
  v1::UpdateLoadTestRequest request;
  request.mutable_load_test()->set_name("loadTests/a");
  request.mutable_load_test()->set_note("after the fix");
  CallContext context;
  v1::LoadTest updated;
  ASSERT_TRUE(stub_->UpdateLoadTest(&context, request, &updated).ok());
  EXPECT_EQ(updated.note(), "after the fix");
}

TEST_F(GrpcServerTest, ServerTellsWhatItIs) {
  ControlPlaneStats stats;
  stats.bus = "fake";
  stats.own_drivers = 2;
  stats.drivers_live = 3;
  fake_.SetStats(stats);
  CallContext context;
  v1::ServerInfo info;
  ASSERT_TRUE(stub_->GetServerInfo(&context, {}, &info).ok());
  EXPECT_EQ(info.bus(), "fake");
  EXPECT_EQ(info.own_drivers(), 2);
  EXPECT_EQ(info.live_drivers(), 3);
  EXPECT_NE(info.version(), "");
}

// In plain text, where gRPC itself checks no token; over TLS: tests/process/door_security_test.py.
TEST(GrpcTokenTest, EveryMethodWantsTheToken) {
  FakeControlPlane fake;
  fake.AddTest(SampleTest("a", v1::LoadTest::RUNNING));
  const auto server = GrpcServer::Start("127.0.0.1:0", fake, {.token = "0123456789abcdef"});
  ASSERT_TRUE(server.ok()) << server.status();
  grpc::GenericStub stub(ChannelTo((*server)->port()));
  const auto& service = *v1::LoadTest::descriptor()->file()->pool()->FindServiceByName(
      v1::LoadTestService::service_full_name());
  for (int i = 0; i < service.method_count(); ++i) {
    for (const char* token : {"", "Bearer wrong", "Bearer 0123456789abcdef"}) {
      CallContext context;
      if (*token != '\0') context.AddMetadata("authorization", token);
      grpc::CompletionQueue queue;
      // An empty message of any type; a buffer without a slice cannot be sent.
      const grpc::Slice nothing;
      const grpc::ByteBuffer request(&nothing, 1);
      const std::string path =
          absl::StrFormat("/%s/%s", service.full_name(), service.method(i)->name());
      const auto call =
          stub.PrepareUnaryCall(&context, path, request, &queue);
      call->StartCall();
      grpc::ByteBuffer response;
      grpc::Status status;
      call->Finish(&response, &status, nullptr);
      void* tag = nullptr;
      bool ok = false;
      ASSERT_TRUE(queue.Next(&tag, &ok));
      EXPECT_EQ(status.error_code() == grpc::StatusCode::UNAUTHENTICATED,
                token != std::string("Bearer 0123456789abcdef"))
          << path << " with \"" << token << "\": " << status.error_message();
    }
  }
}

TEST_F(GrpcServerTest, ListComesInPages) {
  for (const char* id : {"a", "b", "c"}) fake_.AddTest(SampleTest(id, v1::LoadTest::SUCCEEDED));
  v1::ListLoadTestsRequest request;
  request.set_page_size(2);
  v1::ListLoadTestsResponse first;
  CallContext first_context;
  ASSERT_TRUE(stub_->ListLoadTests(&first_context, request, &first).ok());
  EXPECT_EQ(first.load_tests_size(), 2);

  request.set_page_token(first.next_page_token());
  v1::ListLoadTestsResponse second;
  CallContext second_context;
  ASSERT_TRUE(stub_->ListLoadTests(&second_context, request, &second).ok());
  ASSERT_EQ(second.load_tests_size(), 1);
  EXPECT_EQ(second.load_tests(0).name(), "loadTests/c");
  EXPECT_EQ(second.next_page_token(), "");
}

TEST_F(GrpcServerTest, StopCarriesItsReason) {
  fake_.AddTest(SampleTest("a", v1::LoadTest::RUNNING));
  CallContext context;
  v1::StopLoadTestRequest request;
  request.set_name("loadTests/a");
  request.set_reason("seen enough");
  v1::LoadTest stopped;
  ASSERT_TRUE(stub_->StopLoadTest(&context, request, &stopped).ok());
  EXPECT_EQ(stopped.state(), v1::LoadTest::STOPPING);
  EXPECT_EQ(stopped.state_reason(), "seen enough");
}

TEST_F(GrpcServerTest, EndedTestCanBeDeleted) {
  fake_.AddTest(SampleTest("a", v1::LoadTest::SUCCEEDED));
  v1::DeleteLoadTestRequest request;
  request.set_name("loadTests/a");
  google::protobuf::Empty empty;
  CallContext context;
  EXPECT_TRUE(stub_->DeleteLoadTest(&context, request, &empty).ok());
  CallContext again;
  EXPECT_EQ(stub_->DeleteLoadTest(&again, request, &empty).error_code(), grpc::NOT_FOUND);
}

TEST_F(GrpcServerTest, ReportIsPassedOn) {
  v1::Report report;
  *report.mutable_load_test() = SampleTest("a", v1::LoadTest::SUCCEEDED);
  report.mutable_totals()->mutable_counts()->set_sent(3'000);
  fake_.SetReport(report);
  CallContext context;
  v1::GetReportRequest request;
  request.set_name("loadTests/a");
  v1::Report read;
  ASSERT_TRUE(stub_->GetReport(&context, request, &read).ok());
  EXPECT_EQ(read.totals().counts().sent(), 3'000);
}

TEST_F(GrpcServerTest, DriversAreListed) {
  fake_.AddDriver(SampleDriver("d1"));
  fake_.AddDriver(SampleDriver("d2"));
  CallContext context;
  v1::ListDriversResponse drivers;
  ASSERT_TRUE(stub_->ListDrivers(&context, {}, &drivers).ok());
  ASSERT_EQ(drivers.drivers_size(), 2);
  EXPECT_EQ(drivers.drivers(1).name(), "drivers/d2");
}

TEST_F(GrpcServerTest, ErrorsKeepCodeAndMessage) {
  v1::LoadTest test;
  grpc::Status status = Create({}, test);
  EXPECT_EQ(status.error_code(), grpc::INVALID_ARGUMENT);
  EXPECT_EQ(status.error_message(), "spec.request.url: got \"\", want http://host[:port]/path");

  ASSERT_TRUE(Create(CreateRequest("a"), test).ok());
  EXPECT_EQ(Create(CreateRequest("a"), test).error_code(), grpc::ALREADY_EXISTS);

  CallContext context;
  v1::DeleteLoadTestRequest request;
  request.set_name("loadTests/a");
  google::protobuf::Empty empty;
  EXPECT_EQ(stub_->DeleteLoadTest(&context, request, &empty).error_code(),
            grpc::FAILED_PRECONDITION);

  fake_.SetBusConnected(false);
  EXPECT_EQ(Create(CreateRequest("b"), test).error_code(), grpc::UNAVAILABLE);
}

TEST_F(GrpcServerTest, BodyOf512KiBIsAccepted) {
  v1::CreateLoadTestRequest request = CreateRequest("large");
  request.set_validate_only(true);
  request.mutable_spec()->mutable_request()->set_body(std::string(512 << 10, 'x'));
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(-1);
  auto stub = v1::LoadTestService::NewStub(
      grpc::CreateCustomChannel(absl::StrFormat("127.0.0.1:%d", server_->port()),
                                grpc::InsecureChannelCredentials(), arguments));
  CallContext context(std::chrono::seconds(30));
  v1::LoadTest test;
  const grpc::Status status = stub->CreateLoadTest(&context, request, &test);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(test.spec().request().body().size(), 512u << 10);
}

TEST_F(GrpcServerTest, CallWithoutReplyEndsAtTheClientsDeadline) {
  fake_.StopReplying();
  CallContext context(std::chrono::milliseconds(50));
  v1::ListDriversResponse drivers;
  EXPECT_EQ(stub_->ListDrivers(&context, {}, &drivers).error_code(), grpc::DEADLINE_EXCEEDED);
}

TEST_F(GrpcServerTest, StopDoesNotWaitForeverForAReply) {
  fake_.StopReplying();
  std::thread caller([&] {
    CallContext context;
    v1::ListDriversResponse drivers;
    EXPECT_FALSE(stub_->ListDrivers(&context, {}, &drivers).ok());
  });
  fake_.WaitForUnansweredCall();
  const auto begin = std::chrono::steady_clock::now();
  server_->Stop(std::chrono::milliseconds(100));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(2));
  caller.join();
}

// The protos of health and reflection are not packaged with gRPC, so these two speak bytes.
grpc::ByteBuffer Bytes(const std::string& bytes) {
  grpc::Slice slice(bytes);
  return grpc::ByteBuffer(&slice, 1);
}

std::string Text(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  if (!buffer.Dump(&slices).ok()) return "";
  std::string text;
  for (const grpc::Slice& slice : slices) text.append(slice.begin(), slice.end());
  return text;
}

TEST_F(GrpcServerTest, HealthOfTheServiceIsServing) {
  const std::string service = "loadtest.v1.LoadTestService";
  // HealthCheckRequest{service = 1}, HealthCheckResponse{status = 1}, SERVING = 1.
  const std::string request = "\x0a" + std::string(1, static_cast<char>(service.size())) + service;
  grpc::GenericStub stub(channel_);
  CallContext context;
  grpc::CompletionQueue queue;
  auto call =
      stub.PrepareUnaryCall(&context, "/grpc.health.v1.Health/Check", Bytes(request), &queue);
  call->StartCall();
  grpc::ByteBuffer response;
  grpc::Status status;
  call->Finish(&response, &status, nullptr);
  void* tag = nullptr;
  bool ok = false;
  ASSERT_TRUE(queue.Next(&tag, &ok));
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(Text(response), "\x08\x01");
}

TEST_F(GrpcServerTest, ReflectionNamesTheService) {
  grpc::GenericStub stub(channel_);
  CallContext context;
  grpc::CompletionQueue queue;
  auto call = stub.PrepareCall(
      &context, "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", &queue);
  void* tag = nullptr;
  bool ok = false;
  call->StartCall(nullptr);
  ASSERT_TRUE(queue.Next(&tag, &ok) && ok);
  call->Write(Bytes("\x3a\x01*"), nullptr);  // ServerReflectionRequest{list_services = 7}
  ASSERT_TRUE(queue.Next(&tag, &ok) && ok);
  grpc::ByteBuffer response;
  call->Read(&response, nullptr);
  ASSERT_TRUE(queue.Next(&tag, &ok) && ok);
  EXPECT_NE(Text(response).find("loadtest.v1.LoadTestService"), std::string::npos);
  context.TryCancel();
  grpc::Status status;
  call->Finish(&status, nullptr);
  queue.Next(&tag, &ok);
}

TEST_F(GrpcServerTest, TakenPortIsAClearError) {
  const auto second = GrpcServer::Start(absl::StrFormat("127.0.0.1:%d", server_->port()), fake_);
  EXPECT_EQ(second.status(),
            absl::UnavailableError(absl::StrFormat("orchestrator.grpc_address: cannot listen on "
                                                   "127.0.0.1:%d: Address already in use",
                                                   server_->port())));
}

TEST_F(GrpcServerTest, AddressThatIsNotLoopbackIsRefused) {
  EXPECT_EQ(GrpcServer::Start("0.0.0.0:0", fake_).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(GrpcServerTest, PortIsFreeAfterStop) {
  const std::string address = absl::StrFormat("127.0.0.1:%d", server_->port());
  v1::LoadTest test;
  ASSERT_TRUE(Create(CreateRequest("a"), test).ok());
  server_->Stop();
  const auto again = GrpcServer::Start(address, fake_);
  EXPECT_TRUE(again.ok()) << again.status();
}

}  // namespace
}  // namespace loadtest
