#include "server/store/sqlite.h"

#include <cerrno>
#include <cstring>

#include "absl/strings/str_format.h"

namespace loadtest {
namespace {

// The system's reason of the newest failure, of the file or of its log; 0 when it is not known.
int LastErrno(sqlite3* db) {
  for (const int which : {SQLITE_FCNTL_JOURNAL_POINTER, SQLITE_FCNTL_FILE_POINTER}) {
    sqlite3_file* file = nullptr;
    int error = 0;
    if (sqlite3_file_control(db, "main", which, &file) != SQLITE_OK || file == nullptr ||
        file->pMethods == nullptr) {
      continue;
    }
    file->pMethods->xFileControl(file, SQLITE_FCNTL_LAST_ERRNO, &error);
    if (error != 0) return error;
  }
  return sqlite3_system_errno(db);
}

absl::Status IoError(sqlite3* db, std::string_view what) {
  const int error = LastErrno(db);
  // A full disk has many numbers; ENOSPC is SQLITE_FULL.
  const bool is_full = error == ENOSPC || error == EDQUOT || error == EFBIG;
  const int extended = sqlite3_extended_errcode(db);
  const bool is_write = extended == SQLITE_IOERR_WRITE || extended == SQLITE_IOERR_SHMSIZE ||
                        extended == SQLITE_IOERR_TRUNCATE;
  if (is_full || (error == 0 && is_write)) {
    return absl::ResourceExhaustedError(
        absl::StrFormat("%s: cannot grow: %s; free some space or raise the limit", what,
                        is_full ? std::strerror(error) : "a write was refused"));
  }
  return absl::InternalError(absl::StrFormat("%s: %s%s%s; look at the disk", what,
                                             sqlite3_errmsg(db), error == 0 ? "" : ": ",
                                             error == 0 ? "" : std::strerror(error)));
}

absl::Status Error(sqlite3* db, std::string_view what) {
  if (db == nullptr) return absl::ResourceExhaustedError(absl::StrFormat("%s: no memory", what));
  const char* text = sqlite3_errmsg(db);
  switch (sqlite3_errcode(db) & 0xff) {
    case SQLITE_FULL:
      return absl::ResourceExhaustedError(
          absl::StrFormat("%s: no space left on the disk; free some space", what));
    case SQLITE_IOERR:
      return IoError(db, what);
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
  return Open(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
}

absl::StatusOr<std::unique_ptr<Database>> Database::OpenToRead(const std::string& path) {
  return Open(path, SQLITE_OPEN_READONLY);
}

absl::StatusOr<std::unique_ptr<Database>> Database::Open(const std::string& path, int flags) {
  sqlite3* db = nullptr;
  const int result = sqlite3_open_v2(path.c_str(), &db, flags | SQLITE_OPEN_NOMUTEX, nullptr);
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
