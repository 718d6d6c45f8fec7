// The drivers the orchestrator knows, from their registrations and heartbeats.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "loadtest/v1/bus.pb.h"
#include "loadtest/v1/load_test.pb.h"
#include "server/core/clock_estimate.h"
#include "server/core/moment.h"

namespace loadtest {

struct KnownDriver {
  v1::DriverRegistration registration;
  v1::DriverHeartbeat heartbeat;  // the newest
  Moment registered;
  Moment last_seen;    // receipt of the newest registration or heartbeat
  bool heard = false;  // a heartbeat of this incarnation came
  Moment idle_since;   // heard that it is IDLE, and nothing else since
  ClockEstimate clock;
  // The older life of which heartbeats came although a newer one was known; 0: none.
  int64_t double_life = 0;
};

// Pure: time is an argument. Owned by the core; not thread-safe.
class DriverRegistry {
 public:
  // A driver silent for longer than `lost_after_ns` is lost; one lost for longer than
  // `forget_after_ns` is no longer listed.
  DriverRegistry(int64_t lost_after_ns, int64_t forget_after_ns)
      : lost_after_ns_(lost_after_ns), forget_after_ns_(forget_after_ns) {}

  // False when it is of an older life than the one known.
  bool OnRegistration(Moment now, const v1::DriverRegistration& registration);
  bool OnHeartbeat(Moment now, const v1::DriverHeartbeat& heartbeat);

  // What the four times of a heartbeat, read now, tell of the driver's clock.
  void AddClockSample(Moment now, const v1::DriverHeartbeat& heartbeat);

  // After OnHeartbeat said false: whether this shows, for the first time, that an older life goes
  // on beside a newer one; two processes have one id.
  bool IsDoubleLife(const v1::DriverHeartbeat& heartbeat);

  // nullptr when unknown, left or forgotten.
  const KnownDriver* Find(std::string_view id) const;

  // Whether that life of the driver is there and not silent for too long. `driver` may be nullptr:
  // nothing is known of it.
  bool IsLive(Moment now, const KnownDriver* driver, int64_t incarnation) const;
  bool IsLive(Moment now, std::string_view id, int64_t incarnation) const {
    return IsLive(now, Find(id), incarnation);
  }

  // Whether that life of the driver is known to be over: it said goodbye, or a newer one has come.
  static bool IsGone(const KnownDriver* driver, int64_t incarnation);
  bool IsGone(std::string_view id, int64_t incarnation) const {
    return IsGone(Find(id), incarnation);
  }

  // Live drivers that are IDLE, in the order of their ids.
  std::vector<const KnownDriver*> Idle(Moment now) const;

  // All that sent a heartbeat and are not forgotten, by id.
  std::vector<const KnownDriver*> Listed(Moment now) const;

  // Silence up to `now` is not the drivers' fault: the bus was away, or nobody was here to listen.
  void Excuse(Moment now) { excused_until_ = now; }

  // Whether nothing could be expected of a driver yet.
  bool IsExcused(Moment now) const {
    return now.mono.ns - excused_until_.mono.ns <= lost_after_ns_;
  }

  // Whether nothing has come of it for too long, for whatever reason.
  bool IsSilent(Moment now, const KnownDriver& driver) const {
    return now.mono.ns - driver.last_seen.mono.ns > lost_after_ns_;
  }

  bool IsLost(Moment now, const KnownDriver& driver) const {
    return IsSilent(now, driver) && !IsExcused(now);
  }

 private:
  const int64_t lost_after_ns_;
  const int64_t forget_after_ns_;
  Moment excused_until_{{INT64_MIN / 2}, {}};
  std::map<std::string, KnownDriver, std::less<>> drivers_;
};

}  // namespace loadtest
