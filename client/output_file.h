// A file of --output or -o FORMAT=FILE.
#pragma once

#include <cstddef>
#include <memory>
#include <ostream>
#include <streambuf>
#include <string>

#include "absl/status/statusor.h"

namespace loadtest {

// Opened before a test and not after it: an hour of load should not end in a report that cannot be
// written. What stood in the file stays there until something is written: a mistake on the command
// line costs nobody the report of yesterday. Not thread-safe.
class OutputFile : public std::ostream {
 public:
  // InvalidArgument: `--output: got "/x/r.json", want a file that can be written (No such file or
  // directory)`.
  static absl::StatusOr<std::unique_ptr<OutputFile>> Open(const std::string& flag,
                                                          const std::string& path);
  // Removes the file again when it was made by Open and nothing was written.
  ~OutputFile() override;

  const std::string& path() const { return path_; }
  // Why writing failed, "No space left on device"; empty as long as it has not.
  std::string WhyNotWritten() const;

 private:
  class Buffer : public std::streambuf {
   public:
    explicit Buffer(int fd) : fd_(fd) {}
    bool has_written() const { return has_written_; }
    int error() const { return error_; }

   protected:
    int_type overflow(int_type character) override;
    std::streamsize xsputn(const char* text, std::streamsize size) override;

   private:
    const int fd_;
    bool has_written_ = false;
    int error_ = 0;  // errno
  };

  OutputFile(int fd, std::string path, bool is_new);

  const int fd_;
  const std::string path_;
  const bool is_new_;
  Buffer buffer_;
};

}  // namespace loadtest
