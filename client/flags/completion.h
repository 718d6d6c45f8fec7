// Completion of loadctl's command line, as scripts for shells.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace loadtest {

// What the scripts are made of; completed_commands.h makes it of the parser itself.
struct CompletedFlag {
  std::vector<std::string> names;  // "-c", "--connections"
  bool takes_value = false;
  bool takes_file = false;          // a file's name
  std::vector<std::string> values;  // or one of these; both empty: anything
  std::string help;                 // one line
};
struct CompletedCommand {
  std::string name;
  std::string help;  // one line
  std::vector<CompletedFlag> flags;
  // Of its arguments that are no flags: fixed words, names of tests, names of files.
  std::vector<std::string> words;
  bool takes_tests = false;
  bool takes_files = false;
};

// `shell` is bash, zsh or fish.
std::string CompletionScript(std::string_view shell, const std::vector<CompletedCommand>& commands);

}  // namespace loadtest
