// The gRPC door's methods.
#pragma once

#include <utility>

#include "absl/status/status.h"
#include "loadtest/v1/service.grpc.pb.h"
#include "server/api/control_plane.h"
#include "server/api/door_security.h"
#include "server/api/grpc_watch.h"

namespace loadtest {

// Passes each call on to the control plane and its reply back. No call waits in a thread.
// Thread-safe.
class GrpcService final : public v1::LoadTestService::CallbackService {
 public:
  GrpcService(ControlPlane& control_plane, DoorSecurity security)
      : control_plane_(control_plane), security_(std::move(security)), watches_(control_plane) {}

  // Ends all watches, those to come included.
  void EndWatches(const absl::Status& status) { watches_.EndAll(status); }

  grpc::ServerUnaryReactor* CreateLoadTest(grpc::CallbackServerContext* context,
                                           const v1::CreateLoadTestRequest* request,
                                           v1::LoadTest* response) override;
  grpc::ServerUnaryReactor* GetLoadTest(grpc::CallbackServerContext* context,
                                        const v1::GetLoadTestRequest* request,
                                        v1::LoadTest* response) override;
  grpc::ServerUnaryReactor* ListLoadTests(grpc::CallbackServerContext* context,
                                          const v1::ListLoadTestsRequest* request,
                                          v1::ListLoadTestsResponse* response) override;
  grpc::ServerUnaryReactor* StopLoadTest(grpc::CallbackServerContext* context,
                                         const v1::StopLoadTestRequest* request,
                                         v1::LoadTest* response) override;
  grpc::ServerUnaryReactor* DeleteLoadTest(grpc::CallbackServerContext* context,
                                           const v1::DeleteLoadTestRequest* request,
                                           google::protobuf::Empty* response) override;
  grpc::ServerWriteReactor<v1::LoadTestUpdate>* WatchLoadTest(
      grpc::CallbackServerContext* context, const v1::WatchLoadTestRequest* request) override;
  grpc::ServerUnaryReactor* GetReport(grpc::CallbackServerContext* context,
                                      const v1::GetReportRequest* request,
                                      v1::Report* response) override;
  grpc::ServerUnaryReactor* ListDrivers(grpc::CallbackServerContext* context,
                                        const v1::ListDriversRequest* request,
                                        v1::ListDriversResponse* response) override;
  grpc::ServerUnaryReactor* UpdateLoadTest(grpc::CallbackServerContext* context,
                                           const v1::UpdateLoadTestRequest* request,
                                           v1::LoadTest* response) override;
  grpc::ServerUnaryReactor* GetServerInfo(grpc::CallbackServerContext* context,
                                          const google::protobuf::Empty* request,
                                          v1::ServerInfo* response) override;

 private:
  // Whether the caller shows the token.
  absl::Status Check(const grpc::CallbackServerContext& context) const;
  template <typename Request, typename Response>
  grpc::ServerUnaryReactor* Forward(const grpc::CallbackServerContext& context,
                                    void (ControlPlane::*method)(Request, Reply<Response>),
                                    const Request& request, Response* response);

  ControlPlane& control_plane_;
  const DoorSecurity security_;
  GrpcWatches watches_;
};

}  // namespace loadtest
