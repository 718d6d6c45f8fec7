// Which events of a test are news.
#pragma once

#include "loadtest/v1/load_test.pb.h"

namespace loadtest {

// Whether every test has it: created, started, finished and the like.
bool IsRoutine(const v1::Event& event);

}  // namespace loadtest
