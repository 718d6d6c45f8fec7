#include "driver/host_facts.h"

#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cctype>
#include <fstream>
#include <random>

#include "absl/strings/str_format.h"

namespace loadtest {
namespace {

// The first "model name : ..." of /proc/cpuinfo; empty where the kernel gives none.
std::string ReadCpuModel() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (line.rfind("model name", 0) != 0) continue;
    const size_t colon = line.find(": ");
    return colon == std::string::npos ? "" : line.substr(colon + 2);
  }
  return "";
}

}  // namespace

HostFacts ReadHostFacts() {
  HostFacts facts;
  utsname names = {};
  uname(&names);
  facts.host_name = names.nodename;
  facts.kernel = absl::StrFormat("%s %s", names.sysname, names.release);
  facts.cpu_model = ReadCpuModel();
  facts.cpus = static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN));
  return facts;
}

int64_t MaxOpenFiles() {
  rlimit limit = {};
  getrlimit(RLIMIT_NOFILE, &limit);
  return static_cast<int64_t>(limit.rlim_cur);
}

void RaiseMaxOpenFiles() {
  rlimit limit = {};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

std::string MakeDriverId(const std::string& host_name) {
  // 63 characters at most, of which "-" and the random part take 7.
  std::string id = host_name.substr(0, 56);
  for (char& c : id) {
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '.' && c != '_') c = '-';
  }
  std::random_device random;
  return absl::StrFormat("%s-%06x", id, random() & 0xffffff);
}

}  // namespace loadtest
