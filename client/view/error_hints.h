// What to try about requests that failed.
#pragma once

#include <string_view>

#include "loadtest/v1/measure.pb.h"

namespace loadtest {

// Empty when the kind says all there is.
std::string_view WhatToDoAbout(v1::ErrorKind kind);

}  // namespace loadtest
