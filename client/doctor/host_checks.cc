#include "client/doctor/host_checks.h"

#include <netdb.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <thread>

#include "absl/strings/ascii.h"
#include "absl/strings/str_format.h"
#include "common/base/units.h"

namespace loadtest {
namespace {

using enum Finding::Level;

constexpr uint64_t kFewFiles = 4'096;
constexpr int kFewPorts = 20'000;
// Of the processors; more, and a driver waits for its core.
constexpr double kBusyShare = 0.7;

std::string ReadFile(const char* path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string FormatLimit(uint64_t limit) {
  return limit >= INT64_MAX ? "unlimited" : FormatCount(static_cast<int64_t>(limit));
}

}  // namespace

Finding CheckOpenFiles(uint64_t soft, uint64_t hard) {
  Finding finding{.check = "open files",
                  .message = absl::StrFormat("limit %s (soft %s; drivers raise it themselves)",
                                             FormatLimit(hard), FormatLimit(soft))};
  if (hard < kFewFiles) {
    finding.level = kWarning;
    finding.advice = absl::StrFormat(
        "a driver can have about %d connections: ulimit -Hn 65536 as root, LimitNOFILE=65536 in "
        "systemd, or nofile in /etc/security/limits.conf",
        hard > 100 ? hard - 100 : 0);
  }
  return finding;
}

Finding CheckLocalPorts(std::string_view range) {
  Finding finding{.check = "local ports", .message = ""};
  int first = 0, last = 0;
  if (std::sscanf(std::string(range).c_str(), "%d %d", &first, &last) != 2 || last < first) {
    finding.level = kWarning;
    finding.message = "net.ipv4.ip_local_port_range cannot be read";
    finding.advice = "is /proc mounted?";
    return finding;
  }
  const int ports = last - first + 1;
  finding.message = absl::StrFormat("%s for each address of the target (%d to %d)",
                                    FormatCount(ports), first, last);
  if (ports < kFewPorts) {
    finding.level = kWarning;
    finding.advice =
        "more connections to one address are not possible: sysctl -w "
        "net.ipv4.ip_local_port_range=\"1024 65535\", or more addresses by driver.source_addresses";
  }
  return finding;
}

Finding CheckProcessors(int processors, double load) {
  Finding finding{.check = "processors",
                  .message = absl::StrFormat("%d, load of the last minute %.2f", processors, load)};
  if (load > processors * kBusyShare) {
    finding.level = kWarning;
    finding.advice =
        "something else is running: a driver that waits for its core sends late, and its test is "
        "INVALID; end it, or take another host";
  }
  return finding;
}

Finding CheckClockSource(std::string_view source) {
  Finding finding{.check = "clock", .message = absl::StrFormat("read from %s", source)};
  // Those that a program reads without a system call.
  for (const std::string_view fast :
       {"tsc", "kvm-clock", "arch_sys_counter", "hyperv_clocksource_tsc_page"}) {
    if (source == fast) return finding;
  }
  finding.level = kWarning;
  finding.message = source.empty() ? "source cannot be read" : finding.message;
  finding.advice =
      "each look at the clock may be a system call, which costs rate and precision; want tsc or "
      "kvm-clock in /sys/devices/system/clocksource/clocksource0/current_clocksource";
  return finding;
}

Finding CheckListening(const std::string& check, const std::string& address, bool is_free,
                       bool orchestrator_answers, const std::string& flag) {
  if (is_free) return {.check = check, .message = address + " is free"};
  if (orchestrator_answers)
    return {.check = check, .message = address + " is in use, by the orchestrator"};
  return {.level = kWarning,
          .check = check,
          .message = address + " is in use by something else",
          .advice = absl::StrFormat("an orchestrator cannot start there: ss -ltnp shows who it is; "
                                    "or take another port with %s 127.0.0.1:PORT",
                                    flag)};
}

std::vector<Finding> CheckHost() {
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  double load = 0;
  if (getloadavg(&load, 1) != 1) load = 0;
  std::string source =
      ReadFile("/sys/devices/system/clocksource/clocksource0/current_clocksource");
  absl::StripAsciiWhitespace(&source);
  return {CheckOpenFiles(files.rlim_cur, files.rlim_max),
          CheckLocalPorts(ReadFile("/proc/sys/net/ipv4/ip_local_port_range")),
          CheckProcessors(static_cast<int>(std::thread::hardware_concurrency()), load),
          CheckClockSource(source)};
}

bool IsFree(const std::string& host, int port) {
  if (port == 0) return true;
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found) != 0) return false;
  const int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  // As servers do: what is left of closed connections does not count.
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  const bool is_free = bind(fd, found->ai_addr, found->ai_addrlen) == 0 && listen(fd, 1) == 0;
  close(fd);
  freeaddrinfo(found);
  return is_free;
}

}  // namespace loadtest
