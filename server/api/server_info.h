// What is serving here, as both doors tell it.
#pragma once

#include "loadtest/v1/service.pb.h"
#include "server/api/control_plane.h"

namespace loadtest {

v1::ServerInfo ServerInfoOf(const ControlPlaneStats& stats);

}  // namespace loadtest
