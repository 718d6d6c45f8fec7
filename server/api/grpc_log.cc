#include "server/api/grpc_log.h"

#include <grpc/support/log.h>

#include <string>

namespace loadtest {
namespace {

// gRPC's function gets no context of ours. Never destroyed: gRPC's threads end after main has.
const Logger* grpc_log = nullptr;

void Write(gpr_log_func_args* event) {
  const std::string text = std::string("gRPC: ") + event->message;
  // Its errors are mostly those of a caller (a failed handshake): nothing that this program did.
  if (event->severity == GPR_LOG_SEVERITY_ERROR) {
    grpc_log->Warning(text);
  } else {
    grpc_log->Info(text);
  }
}

}  // namespace

void SendGrpcLogTo(const Logger& log) {
  grpc_log = new Logger(log);
  gpr_set_log_function(Write);
}

}  // namespace loadtest
