// The whole screen of a terminal, borrowed and given back.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

#include "client/view/canvas.h"

namespace loadtest {

// From construction to destruction the terminal shows its second screen, without a cursor and
// without an echo of what is typed; then the first one is there again as it was. It is also given
// back when the process is suspended (Ctrl-Z) or dies of a signal, and by GiveBack. One at a time:
// signal handlers have to find it. Used by one thread, but for Wake.
class AlternateScreen {
 public:
  struct Size {
    int columns = 80;
    int rows = 24;
  };

  // Whether `terminal` is one, and this process is in its foreground: one in the background would
  // be stopped for drawing.
  static bool CanBeTaken(int terminal);

  // Requires CanBeTaken.
  AlternateScreen(int terminal, bool colors);
  ~AlternateScreen();

  Size size() const;
  // Writes the rows that differ from those of the Draw before, all at once, so that nothing
  // flickers. Nothing while the process is in the background.
  void Draw(const Canvas& canvas);

  // Returns when the size has changed, when Wake was called, or after `longest`.
  void Wait(std::chrono::milliseconds longest);
  // Thread-safe.
  void Wake();

  // Gives it back for good, from any thread or signal handler, for a process that ends at once.
  static void GiveBack();

 private:
  void Write(const std::string& bytes);

  const int terminal_;
  const bool colors_;
  std::vector<std::string> shown_;  // empty: draw everything
  Size shown_size_;
};

}  // namespace loadtest
