// loadctl from its arguments to what it prints, against a fake orchestrator in this process.
#pragma once

#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

#include "client/fake_orchestrator.h"
#include "client/loadctl.h"
#include "client/sample_messages.h"

namespace loadtest {

class LoadctlFixture : public testing::Test {
 protected:
  LoadctlFixture() { orchestrator_.Script({SampleUpdate()}, SampleReport()); }

  // The exit code; out_ and err_ have what was printed.
  int Run(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"--server", orchestrator_.address()});
    return RunAnywhere(arguments);
  }
  int RunAnywhere(const std::vector<std::string>& arguments) {
    std::ostringstream out, err;
    std::istringstream in(input_);
    Terminal terminal{.out = out, .err = err, .in = in};
    const int exit_code =
        RunLoadctl(arguments, {}, FAKE_ORCHESTRATOR_FOLDER, terminal, interrupts_);
    out_ = out.str();
    err_ = err.str();
    return exit_code;
  }

  Interrupts interrupts_;
  FakeOrchestrator orchestrator_;
  std::string input_, out_, err_;
};

}  // namespace loadtest
