#include "tests/server/api/api_samples.h"

namespace loadtest {

v1::LoadTestSpec SampleSpec() {
  v1::LoadTestSpec spec;
  spec.mutable_request()->set_url("http://127.0.0.1:8081/ping");
  spec.mutable_tsunami()->mutable_delay()->set_nanos(5'000'000);
  spec.set_requests_per_driver(1'000);
  return spec;
}

v1::LoadTest SampleTest(const std::string& id, v1::LoadTest::State state) {
  v1::LoadTest test;
  test.set_name("loadTests/" + id);
  *test.mutable_spec() = SampleSpec();
  test.set_state(state);
  return test;
}

v1::LoadTestUpdate SampleUpdate(double progress, const std::string& event_type) {
  v1::LoadTestUpdate update;
  update.set_progress(progress);
  if (!event_type.empty()) update.add_events()->set_type(event_type);
  return update;
}

v1::Driver SampleDriver(const std::string& id) {
  v1::Driver driver;
  driver.set_name("drivers/" + id);
  driver.set_ip_address("127.0.0.1");
  driver.set_state(v1::Driver::IDLE);
  return driver;
}

}  // namespace loadtest
