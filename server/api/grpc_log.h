// What the gRPC library itself has to say, as lines of our log.
#pragma once

#include "common/base/log.h"

namespace loadtest {

// By itself gRPC writes to stderr in a form of its own ("E1125 22:09:46.167045493 ..."), which
// breaks a log of JSON lines: a stranger who greets the door without TLS is enough. gRPC has one
// log a process, so main calls this once, before any gRPC.
void SendGrpcLogTo(const Logger& log);

}  // namespace loadtest
