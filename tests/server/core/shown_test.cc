#include "server/core/shown.h"

#include <gtest/gtest.h>

#include <string>

#include "common/config/config.h"
#include "server/core/orchestrator_core.h"

namespace loadtest {
namespace {

v1::LoadTest WithKeyAndBody(size_t body_bytes) {
  v1::LoadTest test;
  test.mutable_spec()->mutable_tls()->set_client_key("secret");
  test.mutable_spec()->mutable_request()->set_body(std::string(body_bytes, 'x'));
  test.mutable_spec()->mutable_request()->set_body_bytes(static_cast<int64_t>(body_bytes));
  return test;
}

TEST(ShownTest, HasNoKey) {
  EXPECT_EQ(Shown(WithKeyAndBody(0)).spec().tls().client_key(), "(not shown)");
}

TEST(ShownTest, SaysNothingOfAKeyThatIsNotThere) {
  EXPECT_FALSE(Shown(v1::LoadTest()).spec().has_tls());
}

TEST(ShownTest, HasABodyOf256KiBAndLeavesALargerOneOut) {
  EXPECT_EQ(Shown(WithKeyAndBody(262'144)).spec().request().body().size(), 262'144u);
  const v1::LoadTest shown = Shown(WithKeyAndBody(262'145));
  EXPECT_EQ(shown.spec().request().body(), "");
  EXPECT_EQ(shown.spec().request().body_bytes(), 262'145);
}

// A test with a secret in the core, which has been started on one driver.
class CoreWithSecretTest : public testing::Test {
 protected:
  CoreWithSecretTest() : core_(Options(), now_) {
    v1::DriverRegistration driver;
    driver.set_driver_id("a");
    driver.set_incarnation(1);
    driver.set_protocol_version(1);
    Apply(Topic::kRegister, "a", "DriverRegistration", driver.SerializeAsString());
    Heartbeat(v1::DriverHeartbeat::IDLE);
    core_.Restore(WithSecret("old"), "");
    v1::Trigger created;
    created.set_test_id("t1");
    *created.mutable_created()->mutable_spec() = WithSecret("t1").spec();
    Apply(Topic::kTrigger, "t1", "Trigger", created.SerializeAsString());
  }

  static CoreOptions Options() {
    CoreOptions options;
    options.settle_ns = 0;
    return options;
  }

  static v1::LoadTest WithSecret(const std::string& id) {
    v1::LoadTest test;
    test.set_name("loadTests/" + id);
    test.set_state(v1::LoadTest::SUCCEEDED);
    v1::LoadTestSpec& spec = *test.mutable_spec();
    spec.mutable_request()->set_url("https://127.0.0.1/");
    spec.mutable_avalanche();
    spec.mutable_tls()->set_client_certificate("-----BEGIN CERTIFICATE-----");
    spec.mutable_tls()->set_client_key("-----BEGIN PRIVATE KEY----- secret");
    return test;
  }

  void Heartbeat(v1::DriverHeartbeat::State state) {
    v1::DriverHeartbeat m;
    m.set_driver_id("a");
    m.set_incarnation(1);
    m.set_sequence(++sequence_);
    m.set_state(state);
    if (state != v1::DriverHeartbeat::IDLE) {
      m.set_test_id("t1");
      m.add_target_addresses("127.0.0.1:443");
      m.set_transport("io_uring");
      m.set_tls("TLSv1.3, certificate verified");
    }
    Apply(Topic::kHeartbeat, "a", "DriverHeartbeat", m.SerializeAsString());
  }

  void Start() {
    const auto decisions = core_.Decide(now_, Tick{});
    ASSERT_TRUE(decisions.ok());
    ASSERT_EQ(decisions->size(), 1u);
    Apply(Topic::kTrigger, "t1", "Trigger", decisions->front().SerializeAsString());
  }

  void Apply(Topic topic, const std::string& key, const std::string& type, std::string value) {
    Record record;
    record.topic = topic;
    record.key = key;
    record.message_type = type;
    record.value = std::move(value);
    for (const Notice& notice : core_.Apply(now_, record))
      EXPECT_NE(notice.kind, Notice::Kind::kRejected) << notice.text;
  }

  Moment now_{{kNanosPerSecond}, {kNanosPerSecond}};
  OrchestratorCore core_;
  int64_t sequence_ = 0;
};

TEST_F(CoreWithSecretTest, ListsNeverShowTheKey) {
  const auto list = core_.List({});
  ASSERT_TRUE(list.ok());
  EXPECT_EQ(list->load_tests_size(), 2);
  EXPECT_EQ(list->DebugString().find("secret"), std::string::npos);
}

TEST_F(CoreWithSecretTest, ReportsNeverShowTheKey) {
  EXPECT_EQ(core_.BuildReport("t1")->load_test().spec().tls().client_key(), "(not shown)");
  Start();
  EXPECT_EQ(core_.BuildReport("t1")->load_test().spec().tls().client_key(), "(not shown)");
}

TEST_F(CoreWithSecretTest, UpdatesNeverShowTheKey) {
  EXPECT_EQ(core_.BuildUpdate(now_, "old").load_test().spec().tls().client_key(), "(not shown)");
  Start();
  EXPECT_EQ(core_.BuildUpdate(now_, "t1").load_test().spec().tls().client_key(), "(not shown)");
}

TEST_F(CoreWithSecretTest, TheDriversGetTheKey) {
  const auto decisions = core_.Decide(now_, Tick{});
  ASSERT_TRUE(decisions.ok());
  EXPECT_EQ(decisions->at(0).started().spec().tls().client_key(),
            "-----BEGIN PRIVATE KEY----- secret");
}

TEST_F(CoreWithSecretTest, TheManifestTellsHowADriverTalksToTheTarget) {
  Start();
  Heartbeat(v1::DriverHeartbeat::ARMED);
  const auto report = core_.BuildReport("t1");
  ASSERT_EQ(report->manifest().drivers_size(), 1);
  EXPECT_EQ(report->manifest().drivers(0).target_addresses(0), "127.0.0.1:443");
  EXPECT_EQ(report->manifest().drivers(0).transport(), "io_uring");
  EXPECT_EQ(report->manifest().drivers(0).tls(), "TLSv1.3, certificate verified");
}

}  // namespace
}  // namespace loadtest
