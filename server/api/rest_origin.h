// Which web pages may talk to the REST door: only our own.
#pragma once

#include <optional>

#include "server/api/rest_message.h"

namespace loadtest {

// The door is on loopback without a password, so a browser on the same machine could be made to use
// it by any web page it shows. Two rules keep such pages out; the result is the refusal (403, or
// 400 without a Host), or nothing.
//
// - Host must be a name of this machine. A page that made its own name resolve to 127.0.0.1 (DNS
// rebinding) still sends
//   that name. The port is free, for the sake of port forwarding.
// - A request that changes something must not carry the Origin of another site. Programs send no
// Origin.
std::optional<RestResponse> RefuseForeignPage(const RestHead& head);

}  // namespace loadtest
