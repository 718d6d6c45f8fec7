#include "driver/engine/error_kinds.h"

#include <errno.h>

#include <system_error>

namespace loadtest {

v1::ErrorKind ConnectErrorKind(int error) {
  switch (error) {
    case ECONNREFUSED:
      return v1::CONNECT_REFUSED;
    case ETIMEDOUT:
      return v1::CONNECT_TIMEOUT;
    case ECONNRESET:
    case ECONNABORTED:
      return v1::CONNECT_RESET;
    case EMFILE:
    case ENFILE:
      return v1::OUT_OF_DESCRIPTORS;
    case EADDRNOTAVAIL:
    case EAGAIN:
      return v1::OUT_OF_PORTS;
    default:
      return v1::CONNECT_UNREACHABLE;
  }
}

std::string ErrnoText(int error) { return std::generic_category().message(error); }

}  // namespace loadtest
