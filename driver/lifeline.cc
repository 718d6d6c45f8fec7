#include "driver/lifeline.h"

#include <fcntl.h>
#include <poll.h>

#include <charconv>
#include <string>

#include "absl/strings/str_format.h"

namespace loadtest {

absl::StatusOr<Lifeline> Lifeline::Create(std::string_view text) {
  int fd = -1;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), fd);
  // Programs that this one might start must not hold it.
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size() || fd < 0 ||
      fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "--lifeline_fd: got \"%s\", want the number of an open descriptor", std::string(text)));
  }
  return Lifeline(fd);
}

bool Lifeline::IsCut() const {
  if (fd_ < 0) return false;
  pollfd end{.fd = fd_, .events = 0, .revents = 0};
  return poll(&end, 1, 0) > 0 && (end.revents & (POLLHUP | POLLERR | POLLNVAL)) != 0;
}

}  // namespace loadtest
