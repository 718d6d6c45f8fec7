// The commands of loadctl with their flags, as subcommands of CLI11.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

#include "client/flags/command_line.h"

namespace loadtest {

// All commands are filled at once; the one that was chosen is taken in the end.
struct Commands {
  RunCommand run;
  CreateCommand create;
  ListCommand list;
  GetCommand get;
  WatchCommand watch;
  StopCommand stop;
  RemoveCommand remove;
  ReportCommand report;
  CheckCommand check;
  DiffCommand diff;
  NoteCommand note;
  DriversCommand drivers;
  TailCommand tail;
  DoctorCommand doctor;
  InitCommand init;
};

// All but `help` and `completion`. `commands` must outlive `app`; `chosen` is called by the parser
// with the command that stands on the command line.
void AddCommands(CLI::App& app, Commands& commands, std::function<void(const Command&)> chosen);

// The flags that the program and every command have. `line` and `formats` (the values of -o) must
// outlive `app`.
void AddCommonOptions(CLI::App& app, CommandLine& line, std::vector<std::string>& formats);

}  // namespace loadtest
