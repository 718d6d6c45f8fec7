// Messages that the tests of the doors share.
#pragma once

#include <string>

#include "loadtest/v1/service.pb.h"

namespace loadtest {

// A test of that id in that state, against http://127.0.0.1:8081/ping.
v1::LoadTest SampleTest(const std::string& id, v1::LoadTest::State state);

// A spec that is just good enough for the fake.
v1::LoadTestSpec SampleSpec();

// An update whose progress is `progress`, with one event of the type `event_type` unless it is
// empty.
v1::LoadTestUpdate SampleUpdate(double progress, const std::string& event_type = "");

v1::Driver SampleDriver(const std::string& id);

}  // namespace loadtest
