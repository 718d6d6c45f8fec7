// The little of SQLite that the store needs, with its errors as absl::Status.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace loadtest {

inline constexpr char kStoreFile[] = "loadtest.db";
// What can be done about a file that cannot be read.
inline constexpr char kMendAdvice[] =
    "move loadtest.db* away, or give another folder with --data: tests are read again from Kafka "
    "as far back as its topics go, older reports are only in this file (sqlite3 loadtest.db "
    ".recover)";

// One prepared statement; reset after each run. Values are bound from 1 on, columns read from 0 on,
// as SQLite counts them.
class Statement {
 public:
  Statement() = default;
  Statement(sqlite3* db, sqlite3_stmt* stmt) : db_(db), stmt_(stmt, sqlite3_finalize) {}

  Statement& Bind(int at, int64_t value);
  Statement& Bind(int at, std::string_view blob_or_text);

  // True while there is a row to read; then Reset must follow before the next run.
  absl::StatusOr<bool> Step();
  void Reset();
  // Runs a statement that gives no rows.
  absl::Status Run();

  int64_t Int(int column) const;
  std::string Text(int column) const;

 private:
  sqlite3* db_ = nullptr;
  std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> stmt_{nullptr, sqlite3_finalize};
};

// Not thread-safe.
class Database {
 public:
  // Opens or creates the file. Errors, here and below, name it, the reason, and what to do:
  // ResourceExhausted when it cannot grow, DataLoss when it is damaged or none of ours,
  // FailedPrecondition when it is locked or cannot be written, else Internal.
  static absl::StatusOr<std::unique_ptr<Database>> Open(const std::string& path);
  // One more connection to a file that this process has open, for another thread.
  static absl::StatusOr<std::unique_ptr<Database>> OpenToRead(const std::string& path);

  // Runs statements without parameters or rows.
  absl::Status Execute(const std::string& sql);
  absl::StatusOr<Statement> Prepare(std::string_view sql);
  // The first number of the first row; 0 when there is none.
  absl::StatusOr<int64_t> Number(std::string_view sql);

  // How long a statement waits for another process that holds a lock, before it fails.
  void WaitForLocks(int milliseconds);

  std::string path() const { return sqlite3_db_filename(db_.get(), "main"); }

 private:
  static absl::StatusOr<std::unique_ptr<Database>> Open(const std::string& path, int flags);
  explicit Database(sqlite3* db) : db_(db, sqlite3_close) {}

  std::unique_ptr<sqlite3, int (*)(sqlite3*)> db_;
};

}  // namespace loadtest
