// By which address others know this host.
#pragma once

#include <string>

namespace loadtest {

// The source address of a connection to the first of `servers` ("HOST:PORT,HOST:PORT") that has a
// route: "127.0.0.1", "10.0.0.2", "fd00::2". Sends nothing. Empty when no name resolves.
std::string LocalAddressTowards(const std::string& servers);

}  // namespace loadtest
