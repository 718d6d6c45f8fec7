// The little of SQLite that the store needs, with its errors as absl::Status.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace loadtest {

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
  // Opens or creates the file. Errors name it.
  static absl::StatusOr<std::unique_ptr<Database>> Open(const std::string& path);

  // Runs statements without parameters or rows.
  absl::Status Execute(const std::string& sql);
  absl::StatusOr<Statement> Prepare(std::string_view sql);

 private:
  Database(std::string path, sqlite3* db) : path_(std::move(path)), db_(db, sqlite3_close) {}

  const std::string path_;
  std::unique_ptr<sqlite3, int (*)(sqlite3*)> db_;
};

}  // namespace loadtest
