#include "server/core/driver_registry.h"

#include <algorithm>

namespace loadtest {

bool DriverRegistry::OnRegistration(Moment now, const v1::DriverRegistration& registration) {
  KnownDriver& driver = drivers_[registration.driver_id()];
  if (registration.incarnation() < driver.registration.incarnation()) return false;
  if (registration.incarnation() > driver.registration.incarnation() &&
      driver.heartbeat.incarnation() != registration.incarnation()) {
    driver.heartbeat.Clear();
    driver.heard = false;
    driver.clock = ClockEstimate();
  }
  driver.registration = registration;
  driver.registered = now;
  driver.last_seen = now;
  return true;
}

bool DriverRegistry::OnHeartbeat(Moment now, const v1::DriverHeartbeat& heartbeat) {
  KnownDriver& driver = drivers_[heartbeat.driver_id()];
  if (heartbeat.incarnation() < driver.registration.incarnation() ||
      heartbeat.incarnation() < driver.heartbeat.incarnation())
    return false;
  // A heartbeat may come before its registration: they are on different topics.
  const bool newer = heartbeat.incarnation() > driver.heartbeat.incarnation() ||
                     heartbeat.sequence() > driver.heartbeat.sequence();
  if (!newer) return false;
  if (heartbeat.incarnation() > driver.heartbeat.incarnation()) driver.clock = ClockEstimate();
  const bool was_idle = driver.heard && driver.heartbeat.state() == v1::DriverHeartbeat::IDLE &&
                        driver.heartbeat.incarnation() == heartbeat.incarnation();
  if (!was_idle) driver.idle_since = now;
  driver.heartbeat = heartbeat;
  driver.last_seen = now;
  driver.heard = true;
  return true;
}

void DriverRegistry::AddClockSample(Moment now, const v1::DriverHeartbeat& heartbeat) {
  const auto it = drivers_.find(heartbeat.driver_id());
  if (it == drivers_.end()) return;
  it->second.clock.Add({.sent = heartbeat.alive_send_time_ns(),
                        .received = heartbeat.alive_read_time_ns(),
                        .answered = heartbeat.wall_time_ns(),
                        .returned = now.wall.ns});
}

bool DriverRegistry::IsDoubleLife(const v1::DriverHeartbeat& heartbeat) {
  KnownDriver& driver = drivers_[heartbeat.driver_id()];
  const int64_t newest =
      std::max(driver.registration.incarnation(), driver.heartbeat.incarnation());
  // An incarnation is the wall time of a start: what was written before that is only late.
  if (heartbeat.incarnation() >= newest || heartbeat.wall_time_ns() <= newest ||
      heartbeat.incarnation() == driver.double_life ||
      heartbeat.state() == v1::DriverHeartbeat::LEAVING)
    return false;
  driver.double_life = heartbeat.incarnation();
  return true;
}

const KnownDriver* DriverRegistry::Find(std::string_view id) const {
  const auto it = drivers_.find(id);
  return it == drivers_.end() ? nullptr : &it->second;
}

bool DriverRegistry::IsLive(Moment now, const KnownDriver* driver, int64_t incarnation) const {
  return driver != nullptr && driver->heard && driver->heartbeat.incarnation() == incarnation &&
         driver->registration.incarnation() <= incarnation &&
         driver->heartbeat.state() != v1::DriverHeartbeat::LEAVING && !IsLost(now, *driver);
}

bool DriverRegistry::IsGone(const KnownDriver* driver, int64_t incarnation) {
  return driver != nullptr && (driver->registration.incarnation() > incarnation ||
                               driver->heartbeat.incarnation() > incarnation ||
                               driver->heartbeat.state() == v1::DriverHeartbeat::LEAVING);
}

std::vector<const KnownDriver*> DriverRegistry::Idle(Moment now) const {
  std::vector<const KnownDriver*> idle;
  for (const auto& [id, driver] : drivers_) {
    if (driver.heartbeat.state() == v1::DriverHeartbeat::IDLE &&
        driver.registration.incarnation() == driver.heartbeat.incarnation() &&
        IsLive(now, &driver, driver.heartbeat.incarnation())) {
      idle.push_back(&driver);
    }
  }
  return idle;
}

std::vector<const KnownDriver*> DriverRegistry::Listed(Moment now) const {
  std::vector<const KnownDriver*> listed;
  for (const auto& [id, driver] : drivers_) {
    if (driver.heard && driver.heartbeat.state() != v1::DriverHeartbeat::LEAVING &&
        now.mono.ns - driver.last_seen.mono.ns <= lost_after_ns_ + forget_after_ns_) {
      listed.push_back(&driver);
    }
  }
  return listed;
}

}  // namespace loadtest
