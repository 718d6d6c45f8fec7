#include "server/api/grpc_server.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_format.h"
#include "common/base/status_macros.h"
#include "server/api/grpc_listener.h"
#include "server/api/grpc_service.h"
#include "server/api/grpc_status.h"
#include "server/api/listen_address.h"
#include "server/api/watch_subscription.h"

namespace loadtest {
namespace {

constexpr char kSetting[] = "orchestrator.grpc_address";

// Above what a spec may have (a body of 64 MiB), so that the refusal is the validation's own, which
// names the field.
constexpr int kMaxReceiveBytes = 66 << 20;

// Of one connection: all its calls, of which watches are the most. A client's further calls wait
// for the end of one.
constexpr int kMostStreams = 512;
// What messages under way may take in all; beyond it gRPC reads no further.
constexpr size_t kMemoryOfMessages = size_t{256} << 20;

void SetChannelArguments(grpc::ServerBuilder& builder, const GrpcLimits& limits) {
  // A watcher whose host vanished is noticed in half a minute; clients may ask as often as every 10
  // s, also between calls.
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 20'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 10'000);
  // A connection that says nothing, or nothing that is HTTP/2.
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS,
                             static_cast<int>(limits.handshake.count()));
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kMostStreams);
  builder.SetMaxReceiveMessageSize(kMaxReceiveBytes);
  builder.SetResourceQuota(grpc::ResourceQuota("grpc door").Resize(kMemoryOfMessages));
}

// Looks at the token before the body of a call is read, so that a stranger cannot make this process
// hold 66 MB a call. Only for TLS: gRPC has no such place in plain text, where GrpcService looks.
class TokenCheck final : public grpc::AuthMetadataProcessor {
 public:
  explicit TokenCheck(DoorSecurity security) : security_(std::move(security)) {}

  bool IsBlocking() const override { return false; }

  grpc::Status Process(const InputMetadata& metadata, grpc::AuthContext*, OutputMetadata*,
                       OutputMetadata*) override {
    // Health and reflection tell nothing of tests; as /healthz and /openapi.json of REST.
    const auto path = metadata.find(":path");
    if (path != metadata.end() && !path->second.starts_with(kServicePath)) {
      return grpc::Status::OK;
    }
    const auto shown = metadata.find("authorization");
    return ToGrpcStatus(CheckAuthorization(
        security_, shown == metadata.end()
                       ? std::string_view()
                       : std::string_view(shown->second.data(), shown->second.size())));
  }

 private:
  static constexpr char kServicePath[] = "/loadtest.v1.LoadTestService/";

  const DoorSecurity security_;
};

std::shared_ptr<grpc::ServerCredentials> Credentials(const DoorSecurity& security) {
  if (!security.tls()) return grpc::InsecureServerCredentials();
  grpc::SslServerCredentialsOptions options(
      security.client_authorities.empty()
          ? GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE
          : GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  options.pem_root_certs = security.client_authorities;
  options.pem_key_cert_pairs.push_back({security.private_key, security.certificate});
  auto credentials = grpc::SslServerCredentials(options);
  if (!security.token.empty()) {
    credentials->SetAuthMetadataProcessor(std::make_shared<TokenCheck>(security));
  }
  return credentials;
}

}  // namespace

absl::StatusOr<std::unique_ptr<GrpcServer>> GrpcServer::Start(std::string_view address,
                                                              ControlPlane& control_plane,
                                                              const DoorSecurity& security,
                                                              const GrpcLimits& limits) {
  ASSIGN_OR_RETURN(const ListenAddress listen, ParseListenAddress(address, kSetting));
  RETURN_IF_ERROR(CheckExposure(security, listen, kSetting));
  ASSIGN_OR_RETURN(std::unique_ptr<GrpcListener> listener,
                   GrpcListener::Listen(listen, kSetting, limits.max_connections));

  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  auto service = std::make_unique<GrpcService>(control_plane, security);
  grpc::ServerBuilder builder;
  auto acceptor = builder.experimental().AddExternalConnectionAcceptor(
      grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD,
      Credentials(security));
  builder.RegisterService(service.get());
  SetChannelArguments(builder, limits);
  std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr) {
    return absl::InternalError(
        absl::StrFormat("%s: gRPC cannot serve on %s", kSetting, listen.ToString()));
  }
  listener->Start(std::move(acceptor));
  server->GetHealthCheckService()->SetServingStatus(v1::LoadTestService::service_full_name(), true);
  return std::unique_ptr<GrpcServer>(
      new GrpcServer(std::move(service), std::move(server), std::move(listener)));
}

GrpcServer::GrpcServer(std::unique_ptr<GrpcService> service, std::unique_ptr<grpc::Server> server,
                       std::unique_ptr<GrpcListener> listener)
    : service_(std::move(service)), server_(std::move(server)), listener_(std::move(listener)) {}

GrpcServer::~GrpcServer() { Stop(); }

int GrpcServer::port() const { return listener_->port(); }

void GrpcServer::Stop(std::chrono::milliseconds drain) {
  if (server_ == nullptr) return;
  listener_->Stop();
  server_->GetHealthCheckService()->SetServingStatus(false);
  service_->EndWatches(absl::UnavailableError(kStopping));
  server_->Shutdown(std::chrono::system_clock::now() + drain);
  server_->Wait();
  server_ = nullptr;
}

}  // namespace loadtest
