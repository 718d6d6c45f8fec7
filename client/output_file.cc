#include "client/output_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_format.h"

namespace loadtest {

absl::StatusOr<std::unique_ptr<OutputFile>> OutputFile::Open(const std::string& flag,
                                                             const std::string& path) {
  constexpr mode_t kAnybody = 0666;  // less the umask
  bool is_new = true;
  int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kAnybody);
  if (fd < 0 && errno == EEXIST) {
    is_new = false;
    fd = open(path.c_str(), O_WRONLY | O_CLOEXEC);
  }
  if (fd < 0) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "%s: got \"%s\", want a file that can be written (%s)", flag, path, std::strerror(errno)));
  }
  return std::unique_ptr<OutputFile>(new OutputFile(fd, path, is_new));
}

OutputFile::OutputFile(int fd, std::string path, bool is_new)
    : std::ostream(nullptr), fd_(fd), path_(std::move(path)), is_new_(is_new), buffer_(fd) {
  rdbuf(&buffer_);
}

OutputFile::~OutputFile() {
  ::close(fd_);
  if (is_new_ && !buffer_.has_written()) unlink(path_.c_str());
}

std::string OutputFile::WhyNotWritten() const {
  return buffer_.error() == 0 ? "" : std::strerror(buffer_.error());
}

OutputFile::Buffer::int_type OutputFile::Buffer::overflow(int_type character) {
  const char one = traits_type::to_char_type(character);
  return xsputn(&one, 1) == 1 ? character : traits_type::eof();
}

std::streamsize OutputFile::Buffer::xsputn(const char* text, std::streamsize size) {
  if (!has_written_) {
    has_written_ = true;
    // Of a pipe or a device there is nothing to cut off.
    if (ftruncate(fd_, 0) != 0 && errno != EINVAL) {
      error_ = errno;
      return 0;
    }
  }
  std::streamsize written = 0;
  while (written < size) {
    const ssize_t n = ::write(fd_, text + written, static_cast<size_t>(size - written));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      error_ = errno;
      break;
    }
    written += n;
  }
  return written;
}

}  // namespace loadtest
