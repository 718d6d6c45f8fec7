#include "client/server_access.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "absl/strings/str_format.h"
#include "common/base/status_macros.h"
#include "common/config/config.h"

namespace loadtest {
namespace {

absl::StatusOr<std::string> ReadFile(std::string_view flag, const std::string& path) {
  if (path.empty()) return std::string();
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  if (in) text << in.rdbuf();
  if (!in || text.str().empty()) {
    return absl::InvalidArgumentError(
        absl::StrFormat("%s: cannot read %s: %s; want a file that is not empty", flag, path,
                        in ? "it is empty" : std::strerror(errno)));
  }
  return text.str();
}

std::string Find(const std::map<std::string, std::string>& environment, const char* name) {
  const auto found = environment.find(name);
  return found == environment.end() ? "" : found->second;
}

}  // namespace

ServerAccessFlags AccessFromEnvironment(const std::map<std::string, std::string>& environment) {
  ServerAccessFlags flags;
  flags.ca_file = Find(environment, "LOADTEST_SERVER_CACERT");
  flags.token_file = Find(environment, "LOADTEST_TOKEN_FILE");
  flags.token = Find(environment, "LOADTEST_TOKEN");
  return flags;
}

absl::StatusOr<ServerAccess> ReadServerAccess(const ServerAccessFlags& flags,
                                              const std::string& server) {
  ServerAccess access;
  if (flags.certificate_file.empty() != flags.key_file.empty()) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "%s: want %s beside it", flags.key_file.empty() ? "--server-cert" : "--server-key",
        flags.key_file.empty() ? "--server-key" : "--server-cert"));
  }
  access.tls = flags.tls || !flags.ca_file.empty() || !flags.certificate_file.empty();
  ASSIGN_OR_RETURN(access.authorities, ReadFile("--server-cacert", flags.ca_file));
  ASSIGN_OR_RETURN(access.certificate, ReadFile("--server-cert", flags.certificate_file));
  ASSIGN_OR_RETURN(access.private_key, ReadFile("--server-key", flags.key_file));
  ASSIGN_OR_RETURN(const std::string text, ReadFile("--token-file", flags.token_file));
  access.token = flags.token_file.empty() ? flags.token : text.substr(0, text.find_first_of("\r\n"));
  if (access.token.empty()) return access;
  const absl::StatusOr<HostPort> address = ParseHostPort(server, "--server");
  if (!access.tls && address.ok() && !IsLoopback(address->host)) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "--server: %s is another host, and the token would go there in clear text; want "
        "--server-tls or --server-cacert FILE",
        server));
  }
  return access;
}

}  // namespace loadtest
