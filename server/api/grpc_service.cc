#include "server/api/grpc_service.h"

#include <memory>
#include <mutex>
#include <utility>

#include "server/api/grpc_status.h"
#include "server/api/server_info.h"

namespace loadtest {
namespace {

// A call that waits for its reply. When the client goes first, or the server stops, it is over, and
// the reply is thrown away when it comes. Holds itself alive until OnDone.
template <typename Response>
class PendingCall final : public grpc::ServerUnaryReactor,
                          public std::enable_shared_from_this<PendingCall<Response>> {
 public:
  explicit PendingCall(Response* response) : response_(response) {}

  grpc::ServerUnaryReactor* Hold() {
    self_ = this->shared_from_this();
    return this;
  }

  void Answer(absl::StatusOr<Response> reply) {
    std::lock_guard lock(mutex_);
    if (std::exchange(finished_, true)) return;
    const grpc::Status status = ToGrpcStatus(reply.status());
    if (reply.ok()) *response_ = *std::move(reply);
    Finish(status);
  }

  void OnCancel() override { Answer(absl::CancelledError("the call was cancelled")); }

  void OnDone() override { self_.reset(); }

 private:
  Response* const response_;  // gRPC's; gone after Finish
  std::shared_ptr<PendingCall> self_;
  std::mutex mutex_;
  bool finished_ = false;
};

}  // namespace

absl::Status GrpcService::Check(const grpc::CallbackServerContext& context) const {
  const auto& metadata = context.client_metadata();
  const auto shown = metadata.find("authorization");
  return CheckAuthorization(security_,
                            shown == metadata.end()
                                ? std::string_view()
                                : std::string_view(shown->second.data(), shown->second.size()));
}

template <typename Request, typename Response>
grpc::ServerUnaryReactor* GrpcService::Forward(
    const grpc::CallbackServerContext& context,
    void (ControlPlane::*method)(Request, Reply<Response>), const Request& request,
    Response* response) {
  auto call = std::make_shared<PendingCall<Response>>(response);
  grpc::ServerUnaryReactor* reactor = call->Hold();
  if (const absl::Status allowed = Check(context); !allowed.ok()) {
    call->Answer(allowed);
    return reactor;
  }
  (control_plane_.*method)(
      request, [call](absl::StatusOr<Response> reply) { call->Answer(std::move(reply)); });
  return reactor;
}

grpc::ServerUnaryReactor* GrpcService::CreateLoadTest(grpc::CallbackServerContext* context,
                                                      const v1::CreateLoadTestRequest* request,
                                                      v1::LoadTest* response) {
  return Forward(*context, &ControlPlane::CreateLoadTest, *request, response);
}

grpc::ServerUnaryReactor* GrpcService::GetLoadTest(grpc::CallbackServerContext* context,
                                                   const v1::GetLoadTestRequest* request,
                                                   v1::LoadTest* response) {
  return Forward(*context, &ControlPlane::GetLoadTest, *request, response);
}

grpc::ServerUnaryReactor* GrpcService::ListLoadTests(grpc::CallbackServerContext* context,
                                                     const v1::ListLoadTestsRequest* request,
                                                     v1::ListLoadTestsResponse* response) {
  return Forward(*context, &ControlPlane::ListLoadTests, *request, response);
}

grpc::ServerUnaryReactor* GrpcService::StopLoadTest(grpc::CallbackServerContext* context,
                                                    const v1::StopLoadTestRequest* request,
                                                    v1::LoadTest* response) {
  return Forward(*context, &ControlPlane::StopLoadTest, *request, response);
}

grpc::ServerUnaryReactor* GrpcService::DeleteLoadTest(grpc::CallbackServerContext* context,
                                                      const v1::DeleteLoadTestRequest* request,
                                                      google::protobuf::Empty* response) {
  return Forward(*context, &ControlPlane::DeleteLoadTest, *request, response);
}

grpc::ServerWriteReactor<v1::LoadTestUpdate>* GrpcService::WatchLoadTest(
    grpc::CallbackServerContext* context, const v1::WatchLoadTestRequest* request) {
  return watches_.Open(*request, Check(*context));
}

grpc::ServerUnaryReactor* GrpcService::GetReport(grpc::CallbackServerContext* context,
                                                 const v1::GetReportRequest* request,
                                                 v1::Report* response) {
  return Forward(*context, &ControlPlane::GetReport, *request, response);
}

grpc::ServerUnaryReactor* GrpcService::ListDrivers(grpc::CallbackServerContext* context,
                                                   const v1::ListDriversRequest* request,
                                                   v1::ListDriversResponse* response) {
  return Forward(*context, &ControlPlane::ListDrivers, *request, response);
}

grpc::ServerUnaryReactor* GrpcService::UpdateLoadTest(grpc::CallbackServerContext* context,
                                                      const v1::UpdateLoadTestRequest* request,
                                                      v1::LoadTest* response) {
  return Forward(*context, &ControlPlane::UpdateLoadTest, *request, response);
}

grpc::ServerUnaryReactor* GrpcService::GetServerInfo(grpc::CallbackServerContext* context,
                                                     const google::protobuf::Empty*,
                                                     v1::ServerInfo* response) {
  auto call = std::make_shared<PendingCall<v1::ServerInfo>>(response);
  grpc::ServerUnaryReactor* reactor = call->Hold();
  if (const absl::Status allowed = Check(*context); !allowed.ok()) {
    call->Answer(allowed);
    return reactor;
  }
  control_plane_.GetStats([call](absl::StatusOr<ControlPlaneStats> stats) {
    stats.ok() ? call->Answer(ServerInfoOf(*stats)) : call->Answer(stats.status());
  });
  return reactor;
}

}  // namespace loadtest
