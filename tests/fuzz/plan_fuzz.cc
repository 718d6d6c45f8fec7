// Any text as a plan file: refused with its place and what was wanted, or read; and what was read
// and is valid reads the same after it was written.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "common/json/proto_json.h"
#include "common/spec/load_test_spec.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace loadtest;
  const auto require = [](bool holds) {
    if (!holds) std::abort();
  };
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  v1::LoadTestSpec spec;
  const absl::Status read = JsonToProto(text, "plan.json", spec);
  if (!read.ok()) {
    require(std::string(read.message()).rfind("plan.json", 0) == 0);
    return 0;
  }
  for (const bool defaults : {false, true}) {
    v1::LoadTestSpec again;
    require(JsonToProto(ProtoToJson(spec, 2, defaults), "written", again).ok());
    // With the defaults an empty message may stand where there was none.
    require(defaults || again.SerializeAsString() == spec.SerializeAsString());
  }
  const absl::StatusOr<v1::LoadTestSpec> valid = ValidateSpec(spec);
  if (valid.ok()) require(!DescribeSpec(*valid, 2).empty());
  return 0;
}
