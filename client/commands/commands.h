// The commands of loadctl. Each returns the exit code of the program and has said all there is to
// say.
#pragma once

#include "client/commands/context.h"
#include "client/flags/command_line.h"

namespace loadtest {

int RunTest(const RunCommand& command, Context& context);
int CreateTest(const CreateCommand& command, Context& context);
int ListTests(const ListCommand& command, Context& context);
int GetTest(const GetCommand& command, Context& context);
int WatchTest(const WatchCommand& command, Context& context);
int StopAllTests(const StopCommand& command, Context& context);
int StopTests(const StopCommand& command, Context& context);
int RemoveTests(const RemoveCommand& command, Context& context);
// The part of RemoveTests that --older-than asks for.
int RemoveOlderTests(const RemoveCommand& command, Context& context);
int PrintReportOf(const ReportCommand& command, Context& context);
int CheckTest(const CheckCommand& command, Context& context);
int DiffTests(const DiffCommand& command, Context& context);
int WriteNote(const NoteCommand& command, Context& context);
int ListDrivers(const DriversCommand& command, Context& context);
int TailTopic(const TailCommand& command, Context& context);
int Doctor(const DoctorCommand& command, Context& context);
int InitPlan(const InitCommand& command, Context& context);

}  // namespace loadtest
