// What an errno value of a connection attempt means to a test.
#pragma once

#include <string>

#include "loadtest/v1/measure.pb.h"

namespace loadtest {

v1::ErrorKind ConnectErrorKind(int error);

// "Connection refused".
std::string ErrnoText(int error);

}  // namespace loadtest
