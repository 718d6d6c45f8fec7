#include "client/connection.h"

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <utility>

#include "absl/strings/str_format.h"
#include "common/base/status_macros.h"
#include "loadtest/v1/service.grpc.pb.h"

namespace loadtest {
namespace {

using std::chrono::seconds;
using std::chrono::system_clock;

constexpr seconds kConnectTimeout{3};
constexpr seconds kCallTimeout{10};
// A report with every interval of a long test is large.
constexpr seconds kReportTimeout{60};

// gRPC's messages tell its whole way there ("...: Failed to connect to remote host: Connection
// refused"); people need the end of it.
std::string LastPart(const std::string& message) {
  if (message.find("http1.x server") != std::string::npos) {
    return "what answers there speaks HTTP/1.1; want the gRPC address, not that of REST";
  }
  const size_t colon = message.rfind(": ");
  return colon == std::string::npos ? message : message.substr(colon + 2);
}

// What to do about it. The left column is how gRPC and OpenSSL say it.
std::string Advice(const std::string& why, bool tls) {
  struct Sign {
    const char* words;
    const char* advice;
  };
  static constexpr Sign kSigns[] = {
      // Where something else answers, starting one does not help.
      {"want the gRPC address", ""},
      {"wrong version number",
       "; what answers there speaks no TLS: leave out --server-tls and --server-cacert"},
      {"ALPN", "; want the gRPC address, not that of REST"},
      {"certificate verify failed",
       "; want in --server-cacert FILE the authority that signed its certificate"},
      {"not in peer certificate", "; want in --server a name or address that its certificate has"},
  };
  for (const Sign& sign : kSigns) {
    if (why.find(sign.words) != why.npos) return sign.advice;
  }
  // Closed by the other side after it was opened; a refused certificate may look like either.
  if (why.find("Socket closed") != why.npos || why.find("reset by peer") != why.npos ||
      why.find("Broken pipe") != why.npos) {
    return tls ? "; if it wants a client certificate: --server-cert FILE --server-key FILE"
               : "; if it speaks TLS: --server-cacert FILE, or --server-tls";
  }
  return "; start it with: orchestrator 2";
}

absl::Status Unreachable(const std::string& address, const std::string& why,
                         const ServerAccess& access) {
  return absl::UnavailableError(absl::StrFormat("cannot reach the orchestrator at %s: %s%s",
                                                address, why, Advice(why, access.tls)));
}

grpc::ChannelArguments ChannelArguments() {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(-1);
  // http_proxy is meant for the web, not for the orchestrator.
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  // Finds out within half a minute that a host is gone without a word.
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 20'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10'000);
  return arguments;
}

std::shared_ptr<grpc::ChannelCredentials> Credentials(const ServerAccess& access) {
  if (!access.tls) return grpc::InsecureChannelCredentials();
  return grpc::SslCredentials({.pem_root_certs = access.authorities,
                               .pem_private_key = access.private_key,
                               .pem_cert_chain = access.certificate});
}

void SetDeadline(grpc::ClientContext& context, seconds timeout) {
  context.set_deadline(system_clock::now() + timeout);
}

}  // namespace

struct Connection::Stub {
  std::unique_ptr<v1::LoadTestService::Stub> service;
  std::string token;

  // Shows who calls. By hand, since gRPC's own call credentials want TLS also on loopback.
  void Authorize(grpc::ClientContext& context) const {
    if (!token.empty()) context.AddMetadata("authorization", "Bearer " + token);
  }

  absl::Status ToStatus(const grpc::Status& status, const std::string& address) const {
    if (status.ok()) return absl::OkStatus();
    const auto code = static_cast<absl::StatusCode>(status.error_code());
    if (code == absl::StatusCode::kUnavailable || code == absl::StatusCode::kDeadlineExceeded) {
      return absl::UnavailableError(
          absl::StrFormat("orchestrator at %s: %s", address, LastPart(status.error_message())));
    }
    if (code == absl::StatusCode::kUnauthenticated) {
      return absl::Status(code, absl::StrFormat("orchestrator at %s: %s; --token-file FILE or "
                                                "LOADTEST_TOKEN gives it",
                                                address, status.error_message()));
    }
    if (code == absl::StatusCode::kUnimplemented) {
      return absl::FailedPreconditionError(
          absl::StrFormat("--server: got %s, want the gRPC address of an orchestrator of this "
                          "version; what answers there is none: %s",
                          address, status.error_message()));
    }
    return absl::Status(code, status.error_message());
  }

  template <typename Response, typename Method, typename Request>
  absl::StatusOr<Response> Call(Method method, const Request& request, const std::string& address,
                                seconds timeout = kCallTimeout) const {
    grpc::ClientContext context;
    SetDeadline(context, timeout);
    Authorize(context);
    Response response;
    RETURN_IF_ERROR(ToStatus(((*service).*method)(&context, request, &response), address));
    return response;
  }
};

absl::StatusOr<std::unique_ptr<Connection>> Connection::Open(const std::string& address,
                                                             const ServerAccess& access) {
  const auto channel =
      grpc::CreateCustomChannel(address, Credentials(access), ChannelArguments());
  auto stub = std::make_unique<Stub>(Stub{v1::LoadTestService::NewStub(channel), access.token});
  const auto deadline = system_clock::now() + kConnectTimeout;
  grpc_connectivity_state state = channel->GetState(/*try_to_connect=*/true);
  while (state != GRPC_CHANNEL_READY && state != GRPC_CHANNEL_TRANSIENT_FAILURE) {
    if (!channel->WaitForStateChange(state, deadline)) {
      return Unreachable(address, "nothing answers there", access);
    }
    state = channel->GetState(/*try_to_connect=*/true);
  }
  if (state == GRPC_CHANNEL_TRANSIENT_FAILURE) {
    // The state does not say why; a call that fails at once does.
    grpc::ClientContext context;
    SetDeadline(context, kConnectTimeout);
    stub->Authorize(context);
    v1::ListDriversResponse unused;
    const grpc::Status status =
        stub->service->ListDrivers(&context, v1::ListDriversRequest(), &unused);
    if (!status.ok()) return Unreachable(address, LastPart(status.error_message()), access);
  }
  return std::unique_ptr<Connection>(new Connection(address, std::move(stub)));
}

Connection::Connection(std::string address, std::unique_ptr<Stub> stub)
    : address_(std::move(address)), stub_(std::move(stub)) {}

Connection::~Connection() = default;

using Service = v1::LoadTestService::Stub;

absl::StatusOr<v1::LoadTest> Connection::CreateLoadTest(const v1::CreateLoadTestRequest& request) {
  return stub_->Call<v1::LoadTest>(&Service::CreateLoadTest, request, address_);
}

absl::StatusOr<v1::LoadTest> Connection::GetLoadTest(const std::string& name) {
  v1::GetLoadTestRequest request;
  request.set_name(name);
  return stub_->Call<v1::LoadTest>(&Service::GetLoadTest, request, address_);
}

absl::StatusOr<v1::ListLoadTestsResponse> Connection::ListLoadTests(
    const v1::ListLoadTestsRequest& request) {
  return stub_->Call<v1::ListLoadTestsResponse>(&Service::ListLoadTests, request, address_);
}

absl::StatusOr<v1::LoadTest> Connection::StopLoadTest(const std::string& name,
                                                      const std::string& reason) {
  v1::StopLoadTestRequest request;
  request.set_name(name);
  request.set_reason(reason);
  return stub_->Call<v1::LoadTest>(&Service::StopLoadTest, request, address_);
}

absl::Status Connection::DeleteLoadTest(const std::string& name) {
  v1::DeleteLoadTestRequest request;
  request.set_name(name);
  return stub_->Call<google::protobuf::Empty>(&Service::DeleteLoadTest, request, address_).status();
}

absl::StatusOr<v1::Report> Connection::GetReport(const std::string& name) {
  v1::GetReportRequest request;
  request.set_name(name);
  return GetReport(request);
}

absl::StatusOr<v1::LoadTest> Connection::WriteNote(const std::string& name,
                                                   const std::string& note) {
  v1::UpdateLoadTestRequest request;
  request.mutable_load_test()->set_name(name);
  request.mutable_load_test()->set_note(note);
  request.mutable_update_mask()->add_paths("note");
  return stub_->Call<v1::LoadTest>(&Service::UpdateLoadTest, request, address_);
}

absl::StatusOr<v1::Report> Connection::GetReport(const v1::GetReportRequest& request) {
  return stub_->Call<v1::Report>(&Service::GetReport, request, address_, kReportTimeout);
}

absl::StatusOr<v1::ListDriversResponse> Connection::ListDrivers() {
  // One page: the service's largest is far more than a terminal shows.
  return stub_->Call<v1::ListDriversResponse>(&Service::ListDrivers, v1::ListDriversRequest(),
                                              address_);
}

absl::StatusOr<v1::ServerInfo> Connection::GetServerInfo() {
  return stub_->Call<v1::ServerInfo>(&Service::GetServerInfo, google::protobuf::Empty(), address_);
}

absl::Status Connection::Watch(const std::string& name,
                               const std::function<void(const v1::LoadTestUpdate&)>& on_update) {
  // No deadline: a test may take days.
  grpc::ClientContext context;
  v1::WatchLoadTestRequest request;
  request.set_name(name);
  stub_->Authorize(context);
  const auto reader = stub_->service->WatchLoadTest(&context, request);
  v1::LoadTestUpdate update;
  while (reader->Read(&update)) on_update(update);
  return stub_->ToStatus(reader->Finish(), address_);
}

}  // namespace loadtest
