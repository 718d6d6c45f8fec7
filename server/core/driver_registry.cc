#include "server/core/driver_registry.h"

namespace loadtest {

bool DriverRegistry::OnRegistration(Moment now, const v1::DriverRegistration& registration) {
  KnownDriver& driver = drivers_[registration.driver_id()];
  if (registration.incarnation() < driver.registration.incarnation()) return false;
  if (registration.incarnation() > driver.registration.incarnation() &&
      driver.heartbeat.incarnation() != registration.incarnation()) {
    driver.heartbeat.Clear();
    driver.heard = false;
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
  driver.heartbeat = heartbeat;
  driver.last_seen = now;
  driver.heard = true;
  return true;
}

const KnownDriver* DriverRegistry::Find(std::string_view id) const {
  const auto it = drivers_.find(id);
  return it == drivers_.end() ? nullptr : &it->second;
}

bool DriverRegistry::IsLive(Moment now, std::string_view id, int64_t incarnation) const {
  const KnownDriver* driver = Find(id);
  return driver != nullptr && driver->heard && driver->heartbeat.incarnation() == incarnation &&
         driver->registration.incarnation() <= incarnation &&
         driver->heartbeat.state() != v1::DriverHeartbeat::LEAVING && !IsLost(now, *driver);
}

bool DriverRegistry::IsGone(std::string_view id, int64_t incarnation) const {
  const KnownDriver* driver = Find(id);
  return driver != nullptr && (driver->registration.incarnation() > incarnation ||
                               driver->heartbeat.incarnation() > incarnation ||
                               driver->heartbeat.state() == v1::DriverHeartbeat::LEAVING);
}

std::vector<const KnownDriver*> DriverRegistry::Idle(Moment now) const {
  std::vector<const KnownDriver*> idle;
  for (const auto& [id, driver] : drivers_) {
    if (driver.heartbeat.state() == v1::DriverHeartbeat::IDLE &&
        driver.registration.incarnation() == driver.heartbeat.incarnation() &&
        IsLive(now, id, driver.heartbeat.incarnation())) {
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
