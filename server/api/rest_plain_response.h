// A response as bytes, for where no HTTP library is at hand.
#pragma once

#include <string>

#include "server/api/rest_message.h"

namespace loadtest {

// The whole response; the connection ends after it.
std::string PlainResponse(const RestResponse& response);

}  // namespace loadtest
