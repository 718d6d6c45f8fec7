// What to do about a verdict that is not VALID.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "loadtest/v1/load_test.pb.h"

namespace loadtest {

// One piece of advice for each resource that ran short, the gravest first, each once.
std::vector<std::string> WhatToDo(const v1::Verdict& verdict);

// "VALID: the generator kept its schedule" without the level: what it means for the reader.
std::string_view MeaningOf(v1::Verdict::Level level);

}  // namespace loadtest
