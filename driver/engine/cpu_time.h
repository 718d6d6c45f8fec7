// CPU time used so far, user and system.
#pragma once

#include <cstdint>

namespace loadtest {

// Nanoseconds.
struct CpuTime {
  int64_t process = 0;
  // Of the calling thread alone.
  int64_t thread = 0;
};

CpuTime ReadCpuTime();

}  // namespace loadtest
