// A store in trouble says what is wrong and what to do, and never forgets in silence.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "tests/server/store/store_folder.h"

namespace loadtest {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

class StoreFaultsTest : public StoreFolderTest {
 protected:
  std::string OpenError() {
    const auto store = Store::Open(dir_);
    return store.ok() ? "it opened" : std::string(store.status().message());
  }
  std::string Prefix() const { return "data folder " + dir_.string() + ": "; }
  // A store with some megabytes, so that there is something to cut.
  void Fill() {
    auto store = Store::Open(dir_);
    ASSERT_TRUE(store.ok()) << store.status();
    ASSERT_TRUE((*store)->Write(BatchOf("t1", v1::LoadTest::SUCCEEDED, 500, 4'000)).ok());
  }
};

// No file may grow beyond `bytes` while it lives: a disk that is full, for this process alone.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : handler_(signal(SIGXFSZ, SIG_IGN)) {
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    setrlimit(RLIMIT_FSIZE, &before_);
    signal(SIGXFSZ, handler_);
  }

 private:
  void (*handler_)(int);
  rlimit before_;
};

// Root may write everywhere; so another user looks, when root runs the tests.
class AsUserWithoutRights {
 public:
  AsUserWithoutRights() : user_(geteuid()) {
    if (user_ == 0 && seteuid(65'534) != 0) ADD_FAILURE() << "cannot become another user";
  }
  ~AsUserWithoutRights() {
    if (user_ == 0 && seteuid(user_) != 0) ADD_FAILURE() << "cannot become root again";
  }

 private:
  const uid_t user_;
};

TEST_F(StoreFaultsTest, AFullDiskIsNamedAndTheBatchCanBeWrittenLater) {
  auto store = Store::Open(dir_);
  ASSERT_TRUE(store.ok());
  const StoreBatch batch = BatchOf("t1", v1::LoadTest::RUNNING, 500, 4'000);
  {
    const FileSizeLimit full(400'000);
    const absl::Status written = (*store)->Write(batch);
    EXPECT_EQ(written.code(), absl::StatusCode::kResourceExhausted) << written;
    EXPECT_THAT(std::string(written.message()),
                AllOf(StartsWith("loadtest.db: "), HasSubstr("free some")));
    EXPECT_TRUE((*store)->Load()->unfinished_records.empty()) << "a batch is written whole or not";
  }
  ASSERT_TRUE((*store)->Write(batch).ok());
  EXPECT_EQ((*store)->Load()->unfinished_records.size(), 501u);
}

TEST_F(StoreFaultsTest, ADiskThatIsFullAtTheStartIsNamed) {
  const FileSizeLimit full(1'000);
  EXPECT_THAT(OpenError(), AllOf(StartsWith(Prefix() + "loadtest.db: "), HasSubstr("free some")));
}

TEST_F(StoreFaultsTest, AFolderThatCannotBeWrittenIsNamed) {
  std::filesystem::create_directories(dir_);
  std::filesystem::permissions(dir_, std::filesystem::perms(0555));
  const AsUserWithoutRights user;
  EXPECT_EQ(OpenError(), Prefix() + "Permission denied; want a folder that can be written");
}

TEST_F(StoreFaultsTest, AFileThatCannotBeWrittenIsNamed) {
  Fill();
  std::filesystem::permissions(dir_, std::filesystem::perms(0777));
  std::filesystem::permissions(dir_ / "lock", std::filesystem::perms(0666));
  std::filesystem::permissions(File(), std::filesystem::perms(0444));
  const AsUserWithoutRights user;
  EXPECT_THAT(OpenError(), AllOf(StartsWith(Prefix() + "loadtest.db: "),
                                 HasSubstr("want a file and a folder that can be written")));
}

TEST_F(StoreFaultsTest, ACutFileIsNoticedAtTheStart) {
  Fill();
  std::filesystem::resize_file(File(), std::filesystem::file_size(File()) / 2);
  EXPECT_THAT(OpenError(), AllOf(StartsWith(Prefix() + "loadtest.db is "),
                                 HasSubstr("move loadtest.db* away, or give another folder")));
}

TEST_F(StoreFaultsTest, AFileCutToNothingButItsHeadIsNoticed) {
  Fill();
  std::filesystem::resize_file(File(), 4'096);
  EXPECT_THAT(OpenError(), AllOf(StartsWith(Prefix() + "loadtest.db"), HasSubstr(kMendAdvice)));
}

TEST_F(StoreFaultsTest, DamageInTheMiddleIsAnErrorWhereverItIsMet) {
  Fill();
  {
    std::fstream file(File(), std::ios::in | std::ios::out | std::ios::binary);
    const auto size = static_cast<int64_t>(std::filesystem::file_size(File()));
    // All pages but the first, which has the schema.
    for (int64_t at = 4'096; at < size; at += 512) file.seekp(at).write("\xff\xfe\xfd\xfc", 4);
  }
  auto store = Store::Open(dir_);
  absl::Status status = store.status();
  if (status.ok()) status = (*store)->Load().status();
  if (status.ok()) status = (*store)->reader().GetReport("t1").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("loadtest.db"));
}

TEST_F(StoreFaultsTest, AnyFileIsRefusedThatIsNoDatabase) {
  std::filesystem::create_directories(dir_);
  std::ofstream(File()) << std::string(5'000, 'x');
  EXPECT_EQ(OpenError(), Prefix() + "loadtest.db: file is not a database; " + kMendAdvice);
  EXPECT_EQ(std::filesystem::file_size(File()), 5'000u) << "it is left as it is";
}

TEST_F(StoreFaultsTest, ADatabaseOfAnotherProgramIsRefused) {
  std::filesystem::create_directories(dir_);
  { ASSERT_TRUE((*Database::Open(File()))->Execute("CREATE TABLE notes (text)").ok()); }
  EXPECT_EQ(
      OpenError(),
      Prefix() + "loadtest.db: a database of another program; give another folder with --data");
}

TEST_F(StoreFaultsTest, AStoreOfANewerVersionIsRefused) {
  Fill();
  { ASSERT_TRUE((*Database::Open(File()))->Execute("PRAGMA user_version = 99").ok()); }
  EXPECT_EQ(OpenError(), Prefix() +
                             "loadtest.db: got version 99, want at most 2; it was written by a "
                             "newer orchestrator: use that one, or give this one another folder "
                             "with --data");
}

TEST_F(StoreFaultsTest, AFileThatAnotherProcessHasLockedIsNamedAndServedAfterwards) {
  auto store = Store::Open(dir_);
  auto other = Database::Open(File());
  ASSERT_TRUE((*other)->Execute("BEGIN IMMEDIATE").ok());
  const StoreBatch batch = BatchOf("t1", v1::LoadTest::RUNNING);
  const absl::Status written = (*store)->Write(batch);
  EXPECT_EQ(written.message(),
            "loadtest.db: locked by another process; end it, or give another folder with --data");
  ASSERT_TRUE((*other)->Execute("ROLLBACK").ok());
  EXPECT_TRUE((*store)->Write(batch).ok());
}

// The files as they are when the process is killed, and when the machine loses power in mid-write.
TEST_F(StoreFaultsTest, WhatWasWrittenIsThereAfterAKillAndAnUnfinishedWriteIsNot) {
  const pid_t child = fork();
  if (child == 0) {
    auto store = Store::Open(dir_);
    const bool written = store.ok() && (*store)->Write(BatchOf("t1", v1::LoadTest::RUNNING)).ok() &&
                         (*store)->Write(BatchOf("t2", v1::LoadTest::RUNNING)).ok();
    if (written) raise(SIGKILL);
    _exit(1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  const std::filesystem::path log = dir_ / "loadtest.db-wal";
  ASSERT_TRUE(std::filesystem::exists(log));
  EXPECT_EQ((*Store::Open(dir_))->Load()->tests.size(), 2u);
}

TEST_F(StoreFaultsTest, ATornEndOfTheLogLosesOnlyTheWriteItBelongsTo) {
  const std::filesystem::path copy = dir_.string() + "_copy";
  {
    auto store = Store::Open(dir_);
    ASSERT_TRUE((*store)->Write(BatchOf("t1", v1::LoadTest::RUNNING)).ok());
    const auto first = std::filesystem::file_size(dir_ / "loadtest.db-wal");
    ASSERT_TRUE((*store)->Write(BatchOf("t2", v1::LoadTest::RUNNING)).ok());
    const auto second = std::filesystem::file_size(dir_ / "loadtest.db-wal");
    ASSERT_GT(second, first);
    std::filesystem::remove_all(copy);
    std::filesystem::create_directories(copy);
    std::filesystem::copy_file(File(), copy / "loadtest.db");
    std::filesystem::copy_file(dir_ / "loadtest.db-wal", copy / "loadtest.db-wal");
    std::filesystem::resize_file(copy / "loadtest.db-wal", (first + second) / 2);
  }
  {
    auto store = Store::Open(copy);
    ASSERT_TRUE(store.ok()) << store.status();
    const auto contents = (*store)->Load();
    ASSERT_TRUE(contents.ok()) << contents.status();
    ASSERT_EQ(contents->tests.size(), 1u);
    EXPECT_EQ(contents->tests[0].id, "t1");
    EXPECT_EQ(contents->unfinished_records.size(), 2u);
  }
  std::filesystem::remove_all(copy);
}

}  // namespace
}  // namespace loadtest
