// A connection of the REST door.
#pragma once

#include <boost/asio/ip/tcp.hpp>

#include "server/api/rest_connection.h"

namespace loadtest {

// Serves the requests that come on `socket`, one after the other, until either side closes.
void StartRestSession(boost::asio::ip::tcp::socket socket, const RestContext& context);

}  // namespace loadtest
