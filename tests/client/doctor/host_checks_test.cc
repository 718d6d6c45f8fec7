#include "client/doctor/host_checks.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

namespace loadtest {
namespace {

using enum Finding::Level;

TEST(CheckOpenFiles, TheHardLimitCountsSinceDriversRaiseTheSoftOne) {
  EXPECT_EQ(CheckOpenFiles(1'024, 524'288).level, kOk);
  EXPECT_EQ(CheckOpenFiles(1'024, 524'288).message,
            "limit 524,288 (soft 1,024; drivers raise it themselves)");
  const Finding few = CheckOpenFiles(1'024, 1'024);
  EXPECT_EQ(few.level, kWarning);
  EXPECT_NE(few.advice.find("about 924 connections: ulimit -Hn 65536"), std::string::npos);
  EXPECT_EQ(CheckOpenFiles(UINT64_MAX, UINT64_MAX).message,
            "limit unlimited (soft unlimited; drivers raise it themselves)");
}

TEST(CheckLocalPorts, CountsThem) {
  EXPECT_EQ(CheckLocalPorts("32768\t60999\n").level, kOk);
  EXPECT_EQ(CheckLocalPorts("32768\t60999\n").message,
            "28,232 for each address of the target (32768 to 60999)");
  EXPECT_EQ(CheckLocalPorts("40000 41000").level, kWarning);
  EXPECT_EQ(CheckLocalPorts("").level, kWarning);
}

TEST(CheckProcessors, ABusyHostIsWarnedOf) {
  EXPECT_EQ(CheckProcessors(4, 1.0).level, kOk);
  EXPECT_EQ(CheckProcessors(4, 3.5).level, kWarning);
}

TEST(CheckClockSource, ASlowOneIsWarnedOf) {
  EXPECT_EQ(CheckClockSource("tsc").level, kOk);
  EXPECT_EQ(CheckClockSource("hpet").level, kWarning);
  EXPECT_EQ(CheckClockSource("").level, kWarning);
}

TEST(CheckListening, AStrangerOnThePortIsWarnedOf) {
  EXPECT_EQ(CheckListening("REST port", "127.0.0.1:8080", true, false, "--http").level, kOk);
  EXPECT_EQ(CheckListening("REST port", "127.0.0.1:8080", false, true, "--http").level, kOk);
  const Finding taken = CheckListening("REST port", "127.0.0.1:8080", false, false, "--http");
  EXPECT_EQ(taken.level, kWarning);
  EXPECT_NE(taken.advice.find("--http 127.0.0.1:PORT"), std::string::npos);
}

TEST(IsFree, APortThatSomebodyListensOnIsNot) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  ASSERT_EQ(listen(fd, 1), 0);
  socklen_t size = sizeof(address);
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  EXPECT_FALSE(IsFree("127.0.0.1", ntohs(address.sin_port)));
  close(fd);
  EXPECT_TRUE(IsFree("127.0.0.1", 0));
  EXPECT_FALSE(IsFree("192.0.2.1", 80)) << "no address of this host";
}

TEST(CheckHost, JudgesThisHost) { EXPECT_EQ(CheckHost().size(), 4u); }

}  // namespace
}  // namespace loadtest
