// How loadctl proves to an orchestrator who it is, and the orchestrator to loadctl.
#pragma once

#include <map>
#include <string>

#include "absl/status/statusor.h"

namespace loadtest {

// As flags and environment name it; empty: not given.
struct ServerAccessFlags {
  bool tls = false;
  std::string ca_file;
  std::string certificate_file;
  std::string key_file;
  std::string token_file;
  // From LOADTEST_TOKEN; a flag would show it to everybody who lists processes.
  std::string token;
};

// The same, read.
struct ServerAccess {
  bool tls = false;
  // PEM texts; no authorities: the system's.
  std::string authorities = {};
  std::string certificate = {};
  std::string private_key = {};
  std::string token = {};
};

// LOADTEST_TOKEN, LOADTEST_TOKEN_FILE and LOADTEST_SERVER_CACERT of `environment`.
ServerAccessFlags AccessFromEnvironment(const std::map<std::string, std::string>& environment);

// For the orchestrator at `server`, HOST:PORT. Any file of TLS means TLS. InvalidArgument names the
// flag; also when the token would go over a network in clear text.
absl::StatusOr<ServerAccess> ReadServerAccess(const ServerAccessFlags& flags,
                                              const std::string& server);

}  // namespace loadtest
