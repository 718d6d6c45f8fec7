// Any LoadTestSpec that can come over gRPC or Kafka: refused with a reason, or completed to one
// that is valid, describes itself and survives the way through JSON.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "common/json/proto_json.h"
#include "common/spec/load_test_spec.h"
#include "tests/fuzz/text_seed.h"

namespace loadtest {
namespace {

void Require(bool holds) {
  if (!holds) std::abort();
}

void Check(const v1::LoadTestSpec& spec, BodyIn body_in) {
  const absl::StatusOr<v1::LoadTestSpec> valid = ValidateSpec(spec, body_in);
  if (!valid.ok()) {
    Require(absl::IsInvalidArgument(valid.status()) && !valid.status().message().empty());
    return;
  }
  const absl::StatusOr<v1::LoadTestSpec> again = ValidateSpec(*valid, body_in);
  Require(again.ok());
  Require(again->SerializeAsString() == valid->SerializeAsString());
  for (const int drivers : {0, 1, 1'000}) Require(!DescribeSpec(*valid, drivers).empty());
  Require(HighestRate(*valid, 3) >= 0);
  Require(LongestRunNs(*valid, 3) >= -1);
  v1::LoadTestSpec read;
  Require(JsonToProto(ProtoToJson(*valid), "spec", read).ok());
  Require(ValidateSpec(read, body_in).ok());
}

}  // namespace
}  // namespace loadtest

std::string BinaryInput(std::string_view input) {
  std::string kind, text;
  loadtest::v1::LoadTestSpec spec;
  if (!loadtest::IsTextSeed(input, kind, text) || !loadtest::ParseText(text, spec))
    return std::string(input);
  return spec.SerializeAsString();
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace loadtest;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  v1::LoadTestSpec spec;
  if (!spec.ParseFromString(BinaryInput(input))) return 0;
  Check(spec, BodyIn::kSpec);
  Check(spec, BodyIn::kParts);
  return 0;
}
