#include "server/store/sqlite.h"

#include <cerrno>
#include <cstring>

#include "absl/strings/str_format.h"

namespace loadtest {
namespace {

// What a write that the system refused means: a full disk has many numbers.
absl::Status IoError(std::string_view what, int error, const char* text) {
  switch (error) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return absl::ResourceExhaustedError(absl::StrFormat(
          "%s: cannot grow: %s; free some space or raise the limit", what, std::strerror(error)));
    default:
      return absl::InternalError(absl::StrFormat("%s: %s%s%s; look at the disk", what, text,
                                                 error == 0 ? "" : ": ",
                                                 error == 0 ? "" : std::strerror(error)));
  }
}

absl::Status Error(sqlite3* db, std::string_view what) {
  if (db == nullptr) return absl::ResourceExhaustedError(absl::StrFormat("%s: no memory", what));
  const char* text = sqlite3_errmsg(db);
  switch (sqlite3_errcode(db) & 0xff) {
    case SQLITE_FULL:
      return absl::ResourceExhaustedError(
          absl::StrFormat("%s: no space left on the disk; free some", what));
    case SQLITE_IOERR:
      return IoError(what, sqlite3_system_errno(db), text);
    case SQLITE_CORRUPT:
      return absl::DataLossError(absl::StrFormat("%s is damaged: %s; %s", what, text, kMendAdvice));
    case SQLITE_NOTADB:
      return absl::DataLossError(absl::StrFormat("%s: %s; %s", what, text, kMendAdvice));
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return absl::FailedPreconditionError(absl::StrFormat(
          "%s: locked by another process; end it, or give another folder with --data", what));
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_CANTOPEN:
      return absl::FailedPreconditionError(absl::StrFormat(
          "%s: %s; want a file and a folder that can be written, or another --data", what, text));
    default:
      return absl::InternalError(absl::StrFormat("%s: %s", what, text));
  }
}

}  // namespace

Statement& Statement::Bind(int at, int64_t value) {
  sqlite3_bind_int64(stmt_.get(), at, value);
  return *this;
}

Statement& Statement::Bind(int at, std::string_view value) {
  sqlite3_bind_blob64(stmt_.get(), at, value.data(), value.size(), SQLITE_TRANSIENT);
  return *this;
}

absl::StatusOr<bool> Statement::Step() {
  switch (sqlite3_step(stmt_.get())) {
    case SQLITE_ROW:
      return true;
    case SQLITE_DONE:
      return false;
    default:
      return Error(db_, kStoreFile);
  }
}

void Statement::Reset() {
  sqlite3_reset(stmt_.get());
  sqlite3_clear_bindings(stmt_.get());
}

absl::Status Statement::Run() {
  const absl::StatusOr<bool> row = Step();
  const absl::Status status = row.ok() ? absl::OkStatus() : row.status();
  Reset();
  return status;
}

int64_t Statement::Int(int column) const { return sqlite3_column_int64(stmt_.get(), column); }

std::string Statement::Text(int column) const {
  const void* data = sqlite3_column_blob(stmt_.get(), column);
  const int size = sqlite3_column_bytes(stmt_.get(), column);
  return data == nullptr ? "" : std::string(static_cast<const char*>(data), size);
}

absl::StatusOr<std::unique_ptr<Database>> Database::Open(const std::string& path) {
  sqlite3* db = nullptr;
  const int result = sqlite3_open_v2(
      path.c_str(), &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  auto database = std::unique_ptr<Database>(new Database(db));
  if (result != SQLITE_OK) return Error(db, kStoreFile);
  return database;
}

void Database::WaitForLocks(int milliseconds) { sqlite3_busy_timeout(db_.get(), milliseconds); }

absl::Status Database::Execute(const std::string& sql) {
  if (sqlite3_exec(db_.get(), sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK)
    return absl::OkStatus();
  return Error(db_.get(), kStoreFile);
}

absl::StatusOr<Statement> Database::Prepare(std::string_view sql) {
  sqlite3_stmt* stmt = nullptr;
  if (sqlite3_prepare_v2(db_.get(), sql.data(), static_cast<int>(sql.size()), &stmt, nullptr) !=
      SQLITE_OK)
    return Error(db_.get(), kStoreFile);
  return Statement(db_.get(), stmt);
}

absl::StatusOr<int64_t> Database::Number(std::string_view sql) {
  absl::StatusOr<Statement> statement = Prepare(sql);
  if (!statement.ok()) return statement.status();
  const absl::StatusOr<bool> row = statement->Step();
  if (!row.ok()) return row.status();
  return *row ? statement->Int(0) : 0;
}

}  // namespace loadtest
