#include "server/api/server_info.h"

#include "common/base/time.h"
#include "common/base/version.h"

namespace loadtest {

v1::ServerInfo ServerInfoOf(const ControlPlaneStats& stats) {
  v1::ServerInfo info;
  info.set_version(kVersion);
  info.set_bus(stats.bus);
  info.set_bus_connected(stats.bus_connected);
  info.mutable_start_time()->set_seconds(stats.start_ns / kNanosPerSecond);
  info.mutable_start_time()->set_nanos(static_cast<int32_t>(stats.start_ns % kNanosPerSecond));
  info.set_own_drivers(stats.own_drivers);
  info.set_live_drivers(stats.drivers_live);
  return info;
}

}  // namespace loadtest
