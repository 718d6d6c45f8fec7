// One life of a driver: what takes part in a test. A driver that was lost and comes back is
// another.
#pragma once

#include <compare>
#include <cstdint>
#include <string>

namespace loadtest {

struct DriverLife {
  std::string driver_id;
  int64_t incarnation = 0;
  auto operator<=>(const DriverLife&) const = default;
};

// Of any message that has driver_id and incarnation.
template <typename Message>
DriverLife LifeOf(const Message& m) {
  return {m.driver_id(), m.incarnation()};
}

}  // namespace loadtest
