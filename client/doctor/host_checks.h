// What a host must have to send load, judged from facts alone.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "client/doctor/finding.h"

namespace loadtest {

// Drivers raise their soft limit to the hard one, so that counts.
Finding CheckOpenFiles(uint64_t soft, uint64_t hard);

// `range` is the text of /proc/sys/net/ipv4/ip_local_port_range: "32768\t60999".
Finding CheckLocalPorts(std::string_view range);

// `load` is the load average of the last minute.
Finding CheckProcessors(int processors, double load);

// `source` is what the kernel reads its time from: "tsc".
Finding CheckClockSource(std::string_view source);

// A port that a program wants to listen on. `orchestrator_answers`: whoever has it is ours.
Finding CheckListening(const std::string& check, const std::string& address, bool is_free,
                       bool orchestrator_answers, const std::string& flag);

// Reads the facts from this host and judges them.
std::vector<Finding> CheckHost();

// Whether nothing listens at `host`:`port`; false also for an address that is not of this host.
bool IsFree(const std::string& host, int port);

}  // namespace loadtest
