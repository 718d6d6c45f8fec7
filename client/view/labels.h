// The labels of a test, for people.
#pragma once

#include <string>

#include "loadtest/v1/load_test.pb.h"

namespace loadtest {

// "build=17 env=ci", in the order of their keys.
std::string LabelsInShort(const v1::LoadTestSpec& spec);

}  // namespace loadtest
