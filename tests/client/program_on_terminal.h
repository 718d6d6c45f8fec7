// A program on a terminal of its own, in the foreground of a session that outlives it, as under a
// shell.
//
// When the leader of a session ends, the kernel hangs its terminal up and may throw away what was
// written last. So the leader is a process that starts the program, waits for it, writes a mark
// behind its last output, and stays until this object goes.
//
// One thread uses it.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace loadtest {

struct TerminalSize {
  unsigned short columns = 90;
  unsigned short rows = 30;
};

class ProgramOnTerminal {
 public:
  // `command` begins with the path of the program. What `environment` does not have is not set.
  ProgramOnTerminal(std::vector<std::string> command, std::vector<std::string> environment,
                    TerminalSize size = {});
  ~ProgramOnTerminal();
  ProgramOnTerminal(const ProgramOnTerminal&) = delete;
  ProgramOnTerminal& operator=(const ProgramOnTerminal&) = delete;

  // All that was read since the last Forget.
  const std::string& drawn() const { return drawn_; }
  void Forget() { drawn_.clear(); }

  // Reads what it draws until that has `text`, from `begin` on, or the program has ended. Fails the
  // test when neither comes.
  void ReadUntil(const std::string& text, size_t begin = 0);
  void ReadToTheEnd();

  void Type(char c);
  void Resize(TerminalSize size);
  bool Echoes() const;

  // To the program alone.
  void Signal(int signal) const;
  // Waits until a signal has stopped it.
  bool IsSuspended();
  // Waits for its end: the exit code, or minus the signal that ended it.
  int Wait();

 private:
  // The next wait status of the program, from its leader.
  int NextStatus();

  std::string drawn_;
  pid_t leader_ = -1;
  pid_t program_ = -1;  // -1 once its end is known
  int terminal_ = -1;
  int from_leader_ = -1;
  bool has_ended_ = false;  // its mark was read
};

}  // namespace loadtest
