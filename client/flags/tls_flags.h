// The flags of TLS.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "client/flags/spec_flags.h"

namespace loadtest {

// Sets spec.tls from the flags that were given, and reads the files that they name: they travel in
// the spec. InvalidArgument names the flag.
absl::Status ApplyTls(const SpecFlags& flags, const ReadFile& read_file, v1::LoadTestSpec& spec);

// The first flag of TLS that was given, for errors: "-k"; empty if there is none.
std::string FirstTlsFlag(const SpecFlags& flags);

}  // namespace loadtest
