// What a driver tells about the machine and the process it is.
#pragma once

#include <cstdint>
#include <string>

namespace loadtest {

struct HostFacts {
  std::string host_name;
  std::string kernel;
  std::string cpu_model;
  int cpus = 0;
};

HostFacts ReadHostFacts();

// The soft limit of open files.
int64_t MaxOpenFiles();

// Raises the soft limit to the hard one: each connection is an open file.
void RaiseMaxOpenFiles();

// "HOST-5f3a09": unique enough for drivers that were not given an id.
std::string MakeDriverId(const std::string& host_name);

}  // namespace loadtest
