#include "client/view/error_hints.h"

namespace loadtest {

std::string_view WhatToDoAbout(v1::ErrorKind kind) {
  switch (kind) {
    case v1::RESOLVE_FAILED:
      return "the name must be known where the drivers run, not only here";
    case v1::CONNECT_REFUSED:
      return "nothing listens there: is the server up, and is the port right?";
    case v1::CONNECT_TIMEOUT:
    case v1::CONNECT_UNREACHABLE:
      return "can the hosts of the drivers reach that address? a firewall drops silently";
    case v1::OUT_OF_DESCRIPTORS:
    case v1::OUT_OF_PORTS:
      return "loadctl doctor, on the host of the driver";
    case v1::REQUEST_TIMEOUT:
      return "the server was slower than --timeout; a lower rate, or a longer --timeout";
    case v1::CERTIFICATE_REJECTED:
      return "--cacert FILE for an authority of your own, --server-name NAME, or -k to skip it";
    case v1::TLS_FAILED:
      return "does the port speak TLS, and a version from --tls-min to --tls-max?";
    case v1::HTTP2_NOT_OFFERED:
      return "the server speaks HTTP/1.1 only there: leave out --http2";
    case v1::ABANDONED:
      return "answers were still on their way at the end: a longer --drain waits for them";
    default:
      return "";
  }
}

}  // namespace loadtest
