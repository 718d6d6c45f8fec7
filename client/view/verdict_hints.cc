#include "client/view/verdict_hints.h"

#include <algorithm>

namespace loadtest {
namespace {

struct Hint {
  std::string_view resource;
  std::string_view advice;
};

constexpr Hint kHints[] = {
    {"send_delay",
     "take more drivers (orchestrator N, --local N) or a lower rate, end what else uses the "
     "processors; --spin 50us if only microseconds are missing"},
    {"cpu",
     "one driver uses one core to send: take more drivers on more cores or hosts, and run nothing "
     "else there"},
    {"descriptors",
     "start the drivers with a higher limit: ulimit -n 65536 (systemd: LimitNOFILE=65536), or take "
     "fewer connections (-c); loadctl doctor shows the limits"},
    {"ports",
     "sysctl -w net.ipv4.ip_local_port_range=\"1024 65535\", give the drivers more addresses "
     "(driver.source_addresses), or take fewer connections"},
    {"connections",
     "all connections wait for answers: raise --max-connections, or take a rate that the server "
     "can keep up with"},
    {"schedule",
     "requests were still waiting at the end: take more drivers, or a rate that the server can "
     "keep up with"},
    {"driver",
     "see why it ended: loadctl drivers, and the log of that driver; --on-driver-loss abort stops "
     "a test at once"},
    {"intervals", "see whether the broker was away: the log of the driver, and loadctl doctor"},
};

std::string AdviceFor(const v1::VerdictReason& reason) {
  for (const Hint& hint : kHints) {
    if (hint.resource == reason.resource()) return std::string(hint.advice);
  }
  return "";
}

}  // namespace

std::vector<std::string> WhatToDo(const v1::Verdict& verdict) {
  std::vector<const v1::VerdictReason*> reasons;
  for (const v1::VerdictReason& reason : verdict.reasons()) reasons.push_back(&reason);
  std::stable_sort(reasons.begin(), reasons.end(),
                   [](const auto* a, const auto* b) { return a->level() > b->level(); });
  std::vector<std::string> advice;
  for (const v1::VerdictReason* reason : reasons) {
    std::string text = AdviceFor(*reason);
    const bool is_new = std::find(advice.begin(), advice.end(), text) == advice.end();
    if (!text.empty() && is_new) advice.push_back(std::move(text));
  }
  return advice;
}

std::string_view MeaningOf(v1::Verdict::Level level) {
  switch (level) {
    case v1::Verdict::VALID:
      return "the generator kept its schedule";
    case v1::Verdict::DEGRADED:
      return "drivers or intervals are missing";
    case v1::Verdict::INVALID:
      return "the generator itself was the limit; do not trust the numbers above";
    default:
      return "";
  }
}

}  // namespace loadtest
