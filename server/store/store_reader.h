// Reads a test's report and records from the store, beside the thread that writes it or on it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/bus/message_bus.h"
#include "loadtest/v1/load_test.pb.h"
#include "server/store/sqlite.h"

namespace loadtest {

// The columns that RecordOf reads.
inline constexpr char kRecordColumns[] =
    "topic, kafka_partition, kafka_offset, key, message_type, timestamp_ns, value";
// Of a row that begins with them.
Record RecordOf(const Statement& row);

// Owned by the thread that reads; not thread-safe. Between calls it holds nothing of the file.
class StoreReader {
 public:
  // A connection of its own to the file of a Store that is open, which it does not keep from
  // writing: what is read in one call is the store as it was at one moment.
  static absl::StatusOr<std::unique_ptr<StoreReader>> Open(const std::string& path);
  // On the connection of a Store, which must outlive it.
  static absl::StatusOr<std::unique_ptr<StoreReader>> On(Database& db);

  // Nothing when there is none.
  absl::StatusOr<std::optional<v1::Report>> GetReport(std::string_view test_id);

  // The records of a test, its triggers before its interval reports, one after the other, until
  // `take` says false.
  absl::Status ForEachRecord(std::string_view test_id,
                             const std::function<bool(const Record&)>& take);

 private:
  StoreReader() = default;
  absl::Status Prepare(Database& db);
  absl::Status ReadRecords(std::string_view test_id,
                           const std::function<bool(const Record&)>& take);

  std::unique_ptr<Database> own_db_;  // none on a Store's connection
  Statement begin_, end_;
  Statement get_report_, get_records_, get_blocks_;
};

}  // namespace loadtest
