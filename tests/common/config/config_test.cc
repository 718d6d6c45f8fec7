#include "common/config/config.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>
#include <utility>

#include "absl/strings/str_format.h"

namespace loadtest {
namespace {

class TempFile {
 public:
  explicit TempFile(const std::string& text)
      : path_(testing::TempDir() + "config_test_" + std::to_string(getpid()) + ".json") {
    std::ofstream(path_) << text;
  }
  ~TempFile() { std::remove(path_.c_str()); }
  const std::string& path() const { return path_; }

 private:
  const std::string path_;
};

std::string ReadSource(const std::string& name) {
  std::ifstream in(std::string(SOURCE_DIR) + "/" + name);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

// The error for a file of this content, without the file's name.
std::string FileError(const std::string& json) {
  const TempFile file(json);
  ConfigSources sources;
  sources.file = file.path();
  const absl::StatusOr<v1::Config> config = LoadConfig(sources);
  if (config.ok()) return "";
  std::string message(config.status().message());
  EXPECT_EQ(message.substr(0, file.path().size() + 2), file.path() + ": ");
  return message.substr(file.path().size() + 2);
}

TEST(LoadConfigTest, TakesFlagThenEnvironmentThenFileThenDefault) {
  const TempFile file(
      R"({"orchestrator": {"drivers": 5, "start_lead": "1s"}, "driver": {"metrics_interval": "2s"}})");
  ConfigSources sources;
  sources.file = file.path();
  sources.environment = {{"LOADTEST_ORCHESTRATOR_DRIVERS", "6"},
                         {"LOADTEST_ORCHESTRATOR_START_LEAD", "2s"}};
  sources.overrides = {{"orchestrator.drivers", "7", "N"}};
  const absl::StatusOr<v1::Config> config = LoadConfig(sources);
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->orchestrator().drivers(), 7);
  EXPECT_EQ(config->orchestrator().start_lead().seconds(), 2);
  EXPECT_EQ(config->driver().metrics_interval().seconds(), 2);
  EXPECT_EQ(config->driver().heartbeat_interval().seconds(), 1);
}

TEST(LoadConfigTest, TellsAZeroInTheFileFromNothing) {
  const TempFile file(R"({"orchestrator": {"drivers": 0}})");
  ConfigSources sources;
  sources.file = file.path();
  EXPECT_EQ(LoadConfig(sources)->orchestrator().drivers(), 0);
}

TEST(LoadConfigTest, TakesADurationOfTheFileWhole) {
  const TempFile file(
      R"({"driver": {"heartbeat_interval": "500ms"}, "orchestrator": {"finish_grace": "0s"}})");
  ConfigSources sources;
  sources.file = file.path();
  const absl::StatusOr<v1::Config> config = LoadConfig(sources);
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(ToNanos(config->driver().heartbeat_interval()), 500'000'000) << "not 1 s more";
  EXPECT_EQ(ToNanos(config->orchestrator().finish_grace()), 0);
}

TEST(LoadConfigTest, ReadsListsAndMapsFromTheEnvironment) {
  ConfigSources sources;
  sources.file = "/dev/null";
  sources.environment = {{"LOADTEST_DRIVER_ALLOWED_TARGETS", "a.example,10.0.0.0/8"},
                         {"LOADTEST_DRIVER_LABELS", "zone=a,size=big"}};
  const TempFile file("{}");
  sources.file = file.path();
  const absl::StatusOr<v1::Config> config = LoadConfig(sources);
  ASSERT_TRUE(config.ok()) << config.status();
  ASSERT_EQ(config->driver().allowed_targets_size(), 2);
  EXPECT_EQ(config->driver().allowed_targets(1), "10.0.0.0/8");
  EXPECT_EQ(config->driver().labels().at("size"), "big");
}

TEST(LoadConfigTest, RefusesWrongFilesNamingPathValueAndWhatWasWanted) {
  EXPECT_EQ(FileError(R"({"orchestrator": {"drivers": 65}})"),
            "orchestrator.drivers: got \"65\", want a whole number from 0 to 64");
  EXPECT_EQ(FileError(R"({"driver": {"heartbeat_interval": "1ns"}})"),
            "driver.heartbeat_interval: got \"1ns\", want a duration from 10ms to 1m");
  EXPECT_EQ(
      FileError(R"({"kafka": {"security_protocol": "tls"}})"),
      "kafka.security_protocol: got \"tls\", want one of plaintext, ssl, sasl_plaintext, sasl_ssl");
  EXPECT_EQ(FileError(R"({"target": {"prot": 1}})"),
            "target.prot: unknown key; did you mean port? want one of host, port, max_connections");
  EXPECT_EQ(FileError(R"({"target": {"port": true}})"),
            "target.port: got true, want a whole number of 32 bits");
}

TEST(LoadConfigTest, RefusesAMissingFile) {
  ConfigSources sources;
  sources.file = "/no/such/config.json";
  EXPECT_EQ(LoadConfig(sources).status().message(),
            "cannot read /no/such/config.json; want a readable file");
}

TEST(LoadConfigTest, RefusesUnknownVariablesAndSettings) {
  const TempFile file("{}");
  ConfigSources sources;
  sources.file = file.path();
  sources.environment = {{"LOADTEST_KAFKA_BOOTSTRAP", "x"}};
  EXPECT_EQ(LoadConfig(sources).status().message(),
            "environment variable LOADTEST_KAFKA_BOOTSTRAP: names no setting; want "
            "LOADTEST_SECTION_KEY as in docs/configuration.md");
  for (const auto& [name, value] :
       {std::pair("LOADTEST_ORCHESTRATOR_PORT", "tcp://10.96.0.1:50051"),
        std::pair("LOADTEST_ORCHESTRATOR_SERVICE_HOST", "10.96.0.1")}) {
    sources.environment = {{name, value}};
    EXPECT_EQ(
        LoadConfig(sources).status().message(),
        absl::StrFormat("environment variable %s: names no setting; want LOADTEST_SECTION_KEY "
                        "as in docs/configuration.md; it describes a Kubernetes service: want "
                        "enableServiceLinks: false in the pod's spec, or another name for the "
                        "service",
                        name));
  }
  sources.environment = {{"LOADTEST_TARGET_PORT", "http"}};
  EXPECT_EQ(LoadConfig(sources).status().message(),
            "environment variable LOADTEST_TARGET_PORT: got \"http\", want a whole number from 0 "
            "to 65535");
  sources.environment.clear();
  sources.overrides = {{"target.prot", "1", "--set target.prot"}};
  EXPECT_EQ(LoadConfig(sources).status().message(),
            "--set target.prot: \"target.prot\" is no setting; want SECTION.KEY as in "
            "docs/configuration.md");
}

TEST(LoadConfigTest, TruthIsSpelledTrueOrFalse) {
  ConfigSources sources;
  sources.overrides = {{"orchestrator.insecure", "true", "--set orchestrator.insecure"}};
  EXPECT_TRUE(LoadConfig(sources)->orchestrator().insecure());
  EXPECT_FALSE(LoadConfig({})->orchestrator().insecure());
  sources.overrides[0].value = "yes";
  EXPECT_EQ(LoadConfig(sources).status().message(),
            "--set orchestrator.insecure: got \"yes\", want true or false");
  EXPECT_EQ(FileError(R"({"orchestrator": {"insecure": "yes"}})"),
            "orchestrator.insecure: got \"yes\", want true or false");
}

TEST(ConfigDocsTest, SecretsAreHiddenUnlessTheReaderIsOurOwnProgram) {
  ConfigSources sources;
  sources.environment = {{"LOADTEST_KAFKA_SASL_PASSWORD", "swordfish"}};
  const v1::Config config = *LoadConfig(sources);
  EXPECT_EQ(PrintConfig(config).find("swordfish"), std::string::npos);
  EXPECT_NE(PrintConfig(config).find("\"sasl_password\": \"***\""), std::string::npos);
  EXPECT_NE(PrintConfig(config, Secrets::kWritten).find("swordfish"), std::string::npos);
  // One that is not set stays empty: "***" would be read back as the secret.
  EXPECT_NE(PrintConfig(config).find("\"token\": \"\""), std::string::npos);
}

TEST(ConfigDocsTest, CheckedInFilesAreWhatTheSettingsSay) {
  EXPECT_EQ(ReadSource("config.json"), DefaultConfigJson()) << "run tools/update-docs";
  EXPECT_EQ(ReadSource("docs/configuration.md"), ConfigurationMarkdown())
      << "run tools/update-docs";
}

TEST(ConfigDocsTest, PrintedConfigurationIsReadBackAsTheSame) {
  const TempFile file(DefaultConfigJson());
  ConfigSources sources;
  sources.file = file.path();
  const absl::StatusOr<v1::Config> config = LoadConfig(sources);
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(PrintConfig(*config), DefaultConfigJson());
}

TEST(ParseHostPortTest, SplitsNamesAndBothKindsOfAddresses) {
  EXPECT_EQ(ParseHostPort("localhost:1", "x")->host, "localhost");
  EXPECT_EQ(ParseHostPort("127.0.0.1:8080", "x")->port, 8080);
  EXPECT_EQ(ParseHostPort("[::1]:0", "x")->host, "::1");
  for (const char* text :
       {"", ":80", "a", "a:", "a:x", "a:65536", "a:-1", "::1:80", "[::1:80", "[]:80"}) {
    EXPECT_FALSE(ParseHostPort(text, "x").ok()) << text;
  }
  EXPECT_EQ(ParseHostPort("a", "--grpc").status().message(),
            "--grpc: got \"a\", want HOST:PORT with a port from 0 to 65535");
}

TEST(IsLoopbackTest, KnowsTheWholeLoopbackNetwork) {
  for (const char* host : {"127.0.0.1", "127.8.9.1", "::1", "localhost"})
    EXPECT_TRUE(IsLoopback(host)) << host;
  for (const char* host : {"0.0.0.0", "10.0.0.1", "::", "example.com", "128.0.0.1", ""})
    EXPECT_FALSE(IsLoopback(host)) << host;
}

}  // namespace
}  // namespace loadtest
