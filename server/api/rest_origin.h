// Which web pages may talk to the REST door: only our own.
#pragma once

#include <optional>

#include "server/api/rest_message.h"

namespace loadtest {

// How this door is reached.
struct OriginRules {
  // Our own page is an https one.
  bool tls = false;
  // Any name may be used for this host. For a door with TLS or a token: a page with a rebound name
  // has no certificate for it, and does not know the token.
  bool any_host = false;
  // Other hosts can reach the door, so it has addresses and a name besides the loopback ones.
  bool beyond_loopback = false;
};

// A browser could be made to use the door by any web page it shows. Two rules keep such pages out;
// the result is the refusal (403, or 400 without a Host), or nothing.
//
// - Host must be a name of this machine. A page that made its own name resolve to 127.0.0.1 (DNS
//   rebinding) still sends that name. The port is free, for the sake of port forwarding.
// - A request that changes something must not carry the Origin of another site. Programs send no
//   Origin.
std::optional<RestResponse> RefuseForeignPage(const RestHead& head, const OriginRules& rules = {});

}  // namespace loadtest
