// The tables of the store, and the statements on them.
#pragma once

namespace loadtest {

inline constexpr int kSchemaVersion = 2;

// To be run on a file that has no tables yet: so that space can be given back later.
inline constexpr char kFirstPragmas[] = "PRAGMA auto_vacuum = INCREMENTAL";

// WAL with synchronous=FULL: what is committed survives a power cut, since the log is synced at
// each commit; a cut in mid-commit leaves a frame whose checksum does not fit, which is ignored.
inline constexpr char kPragmas[] = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL";

// `records` has those of tests that have not ended, as they came; of ended tests Tidy moves them
// into `blocks`. So what is read at a start does not grow with the number of ended tests.
// `removed`: tests whose records Tidy still has to remove. `deleted`: the ids that were deleted
// last, which are not given again.
inline constexpr char kSchema[] = R"sql(
  CREATE TABLE IF NOT EXISTS load_tests (
    id TEXT PRIMARY KEY, request_id TEXT NOT NULL, created_ns INTEGER NOT NULL, ended INTEGER NOT NULL, resource BLOB NOT NULL);
  CREATE TABLE IF NOT EXISTS records (
    test_id TEXT NOT NULL, topic INTEGER NOT NULL, kafka_partition INTEGER NOT NULL, kafka_offset INTEGER NOT NULL,
    key TEXT NOT NULL, message_type TEXT NOT NULL, timestamp_ns INTEGER NOT NULL, value BLOB NOT NULL);
  CREATE INDEX IF NOT EXISTS records_by_test ON records (test_id, topic);
  CREATE TABLE IF NOT EXISTS blocks (test_id TEXT NOT NULL, block BLOB NOT NULL);
  CREATE INDEX IF NOT EXISTS blocks_by_test ON blocks (test_id);
  CREATE TABLE IF NOT EXISTS removed (test_id TEXT PRIMARY KEY);
  CREATE TABLE IF NOT EXISTS deleted (number INTEGER PRIMARY KEY AUTOINCREMENT, test_id TEXT NOT NULL UNIQUE);
  CREATE TABLE IF NOT EXISTS reports (test_id TEXT PRIMARY KEY, report BLOB NOT NULL);
  CREATE TABLE IF NOT EXISTS offsets (
    topic INTEGER NOT NULL, kafka_partition INTEGER NOT NULL, next_offset INTEGER NOT NULL, PRIMARY KEY (topic, kafka_partition));
  CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);
)sql";

}  // namespace loadtest
