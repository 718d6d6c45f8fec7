// `doctor`: what could make a test fail or mislead, before it is run.
#include <unistd.h>

#include <chrono>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "client/commands/commands.h"
#include "client/doctor/finding.h"
#include "client/doctor/fleet_checks.h"
#include "client/doctor/host_checks.h"
#include "common/base/status_macros.h"
#include "common/base/version.h"
#include "common/bus/kafka_bus.h"
#include "common/config/config.h"

namespace loadtest {
namespace {

constexpr std::chrono::milliseconds kQueryTimeout{5'000};

absl::StatusOr<v1::Config> ConfigOf(const DoctorCommand& command) {
  ConfigSources sources;
  sources.file = command.config;
  sources.environment = LoadtestEnvironment();
  if (!command.kafka.empty()) {
    sources.overrides.push_back({"kafka.bootstrap_servers", command.kafka, "--kafka"});
  }
  return LoadConfig(sources);
}

void CheckFleet(const Context& context, std::vector<Finding>& findings, bool& answers) {
  const std::string& address = context.line.server;
  const auto connection = Connect(context);
  if (!connection.ok()) {
    // Without its advice, which the finding has.
    std::string why(connection.status().message());
    why = why.substr(0, why.find("; start it with"));
    findings.push_back(OrchestratorIsAway(address, absl::Status(connection.status().code(), why)));
    if (connection.status().code() != absl::StatusCode::kUnavailable) {
      findings.back().is_unreachable = false;
    }
    return;
  }
  answers = true;
  const absl::StatusOr<v1::ServerInfo> info = (*connection)->GetServerInfo();
  if (info.ok()) {
    findings.push_back(CheckOrchestrator(address, *info, kVersion));
  } else if (info.status().code() == absl::StatusCode::kFailedPrecondition) {
    findings.push_back({.level = Finding::Level::kWarning,
                        .check = "orchestrator",
                        .message = address + " answers, but does not say its version",
                        .advice = "it is of another version: use programs of one build"});
  } else {
    findings.push_back(OrchestratorIsAway(address, info.status()));
  }
  const absl::StatusOr<v1::ListDriversResponse> drivers = (*connection)->ListDrivers();
  if (!drivers.ok()) return findings.push_back(OrchestratorIsAway(address, drivers.status()));
  for (Finding& finding : CheckDrivers(*drivers)) {
    findings.push_back(std::move(finding));
  }
}

Finding CheckBroker(const v1::KafkaConfig& kafka) {
  const std::string& address = kafka.bootstrap_servers();
  if (address == "embedded") {
    return {.check = "broker",
            .message = "embedded in the orchestrator: nothing to install, one host"};
  }
  const auto bus =
      KafkaBus::Connect(kafka, {.client_id = std::to_string(getpid()), .role = "loadctl"});
  if (!bus.ok()) return BrokerIsAway(address, bus.status());
  std::vector<std::string> missing;
  for (const Topic topic : kAllTopics) {
    const auto offsets = (*bus)->QueryOffsets(topic, kQueryTimeout);
    if (!offsets.ok() || offsets->empty()) {
      missing.push_back(kafka.topic_prefix() + std::string(TopicName(topic)));
    }
  }
  return CheckTopics(address, missing);
}

void CheckPort(const std::string& check, const std::string& address, const std::string& flag,
               bool answers, std::vector<Finding>& findings) {
  const absl::StatusOr<HostPort> parts = ParseHostPort(address, check);
  if (!parts.ok()) return;
  findings.push_back(
      CheckListening(check, address, IsFree(parts->host, parts->port), answers, flag));
}

}  // namespace

int Doctor(const DoctorCommand& command, Context& context) {
  std::vector<Finding> findings = CheckHost();
  bool answers = false;
  std::vector<Finding> fleet;
  CheckFleet(context, fleet, answers);
  const absl::StatusOr<v1::Config> config = ConfigOf(command);
  if (config.ok()) {
    CheckPort("gRPC port", config->orchestrator().grpc_address(), "--grpc", answers, findings);
    CheckPort("REST port", config->orchestrator().http_address(), "--http", answers, findings);
    findings.push_back(CheckBroker(config->kafka()));
  } else {
    findings.push_back({.level = Finding::Level::kProblem,
                        .check = "configuration",
                        .message = std::string(config.status().message()),
                        .advice = "docs/configuration.md has every setting; orchestrator "
                                  "--print_config shows the outcome"});
  }
  findings.insert(findings.end(), fleet.begin(), fleet.end());
  const bool is_file = !context.line.output_file.empty();
  if (context.json()) {
    context.out << FindingsJson(findings) << std::endl;
  } else {
    FindingsViewOptions options{.colors = context.terminal.out_colors && !is_file};
    if (!is_file) options.width = context.terminal.out_width;
    context.out << FindingsView(findings, options) << std::flush;
  }
  return ExitCodeOf(findings);
}

}  // namespace loadtest
