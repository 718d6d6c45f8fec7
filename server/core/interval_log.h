// The intervals of a test that are whole, in little memory.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "loadtest/v1/load_test.pb.h"

namespace loadtest {

// Ordered by their start. They are kept as they are written on the wire, which takes much less than
// the messages do: a test of a day has 86,400. Pure; not thread-safe.
class IntervalLog {
 public:
  bool empty() const { return rows_.empty(); }

  // Adds an interval, or replaces the one that starts at the same time.
  void Put(const v1::IntervalResult& interval) {
    const int64_t start_ns = interval.start_offset_ns();
    if (rows_.empty() || start_ns >= rows_.rbegin()->first) newest_ = interval;
    rows_[start_ns] = interval.SerializeAsString();
  }

  bool Contains(int64_t start_ns) const { return rows_.contains(start_ns); }

  // The one that starts then; it must be there.
  v1::IntervalResult Get(int64_t start_ns) const { return Parse(rows_.find(start_ns)->second); }

  // The one that starts last; of an empty log, an empty one.
  const v1::IntervalResult& newest() const { return newest_; }

  std::vector<v1::IntervalResult> All() const {
    std::vector<v1::IntervalResult> all;
    all.reserve(rows_.size());
    for (const auto& [start_ns, bytes] : rows_) all.push_back(Parse(bytes));
    return all;
  }

 private:
  static v1::IntervalResult Parse(const std::string& bytes) {
    v1::IntervalResult interval;
    interval.ParseFromString(bytes);  // it was written here
    return interval;
  }

  std::map<int64_t, std::string> rows_;  // by start offset, nanoseconds
  v1::IntervalResult newest_;
};

}  // namespace loadtest
