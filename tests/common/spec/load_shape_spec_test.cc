// What a spec says of load shapes, HTTP/2 and TLS.
#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "common/config/config.h"
#include "common/spec/load_test_spec.h"

namespace loadtest {
namespace {

constexpr int64_t kSecond = 1'000'000'000;
constexpr char kPem[] = "-----BEGIN X-----";

v1::LoadTestSpec Avalanche(const std::string& url = "http://h/") {
  v1::LoadTestSpec spec;
  spec.mutable_request()->set_url(url);
  spec.mutable_avalanche();
  return spec;
}

v1::LoadTestSpec Rate() {
  v1::LoadTestSpec spec = Avalanche();
  spec.mutable_rate()->set_requests_per_second(100);
  return spec;
}

void AddStage(v1::LoadTestSpec& spec, double from, double to, int64_t duration_ns) {
  v1::Stage* stage = spec.mutable_stages()->add_stages();
  stage->set_from(from);
  stage->set_to(to);
  *stage->mutable_duration() = ToDuration(duration_ns);
}

v1::LoadTestSpec RampAndStep() {
  v1::LoadTestSpec spec = Avalanche();
  AddStage(spec, 0, 1'000, 30 * kSecond);
  AddStage(spec, 1'000, 1'000, 120 * kSecond);
  return spec;
}

v1::LoadTestSpec Tls() {
  v1::LoadTestSpec spec = Avalanche("https://h/");
  spec.mutable_tls();
  return spec;
}

std::string Refusal(const v1::LoadTestSpec& spec) {
  return std::string(ValidateSpec(spec).status().message());
}

TEST(StagesSpecTest, TakeAsLongAsTheyAre) {
  const v1::LoadTestSpec spec = *ValidateSpec(RampAndStep());
  EXPECT_EQ(ToNanos(spec.duration()), 150 * kSecond);
  EXPECT_EQ(spec.arrivals(), v1::LoadTestSpec::UNIFORM);
  EXPECT_EQ(spec.max_connections(), 4'096);
  EXPECT_EQ(DescribeSpec(spec, 4),
            "4 drivers, rate in 2 stages, 0/s to 1,000/s, open loop (stages), 2m30s");
  EXPECT_EQ(LongestRunNs(spec, 4), 160 * kSecond);
  EXPECT_EQ(HighestRate(spec, 4), 1'000);
}

TEST(StagesSpecTest, MayBeCutShort) {
  v1::LoadTestSpec spec = RampAndStep();
  *spec.mutable_duration() = ToDuration(150 * kSecond);
  EXPECT_EQ(Refusal(spec), "");
  *spec.mutable_duration() = ToDuration(151 * kSecond);
  EXPECT_EQ(Refusal(spec),
            "spec.duration: got 2m31s, want at most 2m30s, which is how long the stages are");
  spec.mutable_duration()->set_seconds(std::numeric_limits<int64_t>::max());
  EXPECT_EQ(Refusal(spec), "spec.duration: got 9223372036854775807s, want 1ms to 168h");
}

TEST(StagesSpecTest, EachIsRefusedOutsideItsRange) {
  v1::LoadTestSpec spec = Avalanche();
  spec.mutable_stages();
  EXPECT_EQ(Refusal(spec), "spec.stages.stages: got 0, want 1 to 1000");
  for (int i = 0; i < 1'001; ++i) AddStage(spec, 1, 1, kSecond);
  EXPECT_EQ(Refusal(spec), "spec.stages.stages: got 1001, want 1 to 1000");
  spec = RampAndStep();
  spec.mutable_stages()->mutable_stages(0)->set_from(-1);
  spec.mutable_stages()->mutable_stages(1)->set_to(std::numeric_limits<double>::quiet_NaN());
  EXPECT_EQ(Refusal(spec),
            "spec.stages.stages[0].from: got -1, want 0 to 1e+09\n"
            "spec.stages.stages[1].to: got nan, want 0 to 1e+09");
  spec = RampAndStep();
  spec.mutable_stages()->mutable_stages(1)->clear_duration();
  EXPECT_EQ(Refusal(spec), "spec.stages.stages[1].duration: got 0s, want 1ms to 168h");
  spec = Avalanche();
  AddStage(spec, 0, 0, kSecond);
  EXPECT_EQ(Refusal(spec),
            "spec.stages.stages: got a rate of 0 in all of them, want more in at least one");
  spec = Avalanche();
  AddStage(spec, 1, 1, 4 * 86'400 * kSecond);
  AddStage(spec, 1, 1, 4 * 86'400 * kSecond);
  EXPECT_EQ(Refusal(spec), "spec.stages.stages: got 192h in all, want at most 168h");
}

TEST(ArrivalsSpecTest, BelongToAnOpenLoop) {
  v1::LoadTestSpec spec = Avalanche();
  EXPECT_EQ(ValidateSpec(spec)->arrivals(), v1::LoadTestSpec::ARRIVALS_UNSPECIFIED);
  spec.set_arrivals(v1::LoadTestSpec::POISSON);
  EXPECT_EQ(Refusal(spec),
            "spec.arrivals: got a value with an avalanche, want none: its requests wait for "
            "answers, not for times");
  spec = Rate();
  spec.set_arrivals(static_cast<v1::LoadTestSpec::Arrivals>(9));
  EXPECT_EQ(Refusal(spec), "spec.arrivals: got 9, want UNIFORM or POISSON");
}

TEST(ArrivalsSpecTest, OnlyPoissonHasASeed) {
  v1::LoadTestSpec spec = Rate();
  spec.set_arrival_seed(7);
  EXPECT_EQ(Refusal(spec), "spec.arrival_seed: got 7, want 0: only POISSON arrivals have a seed");
  spec.set_arrivals(v1::LoadTestSpec::POISSON);
  EXPECT_EQ(Refusal(spec), "");
}

TEST(ArrivalsSpecTest, ANumberOfPoissonArrivalsMayTakeLongerThanItsMean) {
  v1::LoadTestSpec spec = Rate();
  spec.set_requests_per_driver(10'000);
  EXPECT_EQ(LongestRunNs(*ValidateSpec(spec), 1), 110 * kSecond);
  spec.set_arrivals(v1::LoadTestSpec::POISSON);
  // 10,000 + 10 * 100 + 40 mean gaps of 10 ms, and the drain.
  EXPECT_EQ(LongestRunNs(*ValidateSpec(spec), 1), 120'400'000'000);
}

TEST(WarmupSpecTest, IsAddedToTheLongestTime) {
  v1::LoadTestSpec spec = Rate();
  *spec.mutable_warmup() = ToDuration(5 * kSecond);
  EXPECT_EQ(LongestRunNs(*ValidateSpec(spec), 1), 25 * kSecond);
  *spec.mutable_warmup() = ToDuration(3'601 * kSecond);
  EXPECT_EQ(Refusal(spec), "spec.warmup: got 1h1s, want 0s to 1h");
}

TEST(SpinSpecTest, BelongsToAnOpenLoop) {
  v1::LoadTestSpec spec = Rate();
  *spec.mutable_spin() = ToDuration(1'000'000);
  EXPECT_EQ(Refusal(spec), "");
  *spec.mutable_spin() = ToDuration(1'000'001);
  EXPECT_EQ(Refusal(spec), "spec.spin: got 1.000001ms, want 0s to 1ms");
  spec = Avalanche();
  *spec.mutable_spin() = ToDuration(1'000);
  EXPECT_EQ(Refusal(spec),
            "spec.spin: got a value with an avalanche, want none: it has no due times to be awake "
            "for");
}

TEST(HttpVersionSpecTest, OnlyHttp2HasStreams) {
  v1::LoadTestSpec spec = Avalanche();
  EXPECT_EQ(ValidateSpec(spec)->http_version(), v1::LoadTestSpec::HTTP_1_1);
  EXPECT_EQ(ValidateSpec(spec)->streams(), 1);
  spec.set_streams(2);
  EXPECT_EQ(Refusal(spec), "spec.streams: got 2, want 1: only HTTP_2 has streams");
  spec.set_http_version(v1::LoadTestSpec::HTTP_2);
  EXPECT_EQ(Refusal(spec), "");
  spec.set_streams(1'001);
  EXPECT_EQ(Refusal(spec), "spec.streams: got 1001, want 1 to 1000");
  spec = Avalanche();
  spec.set_http_version(static_cast<v1::LoadTestSpec::HttpVersion>(9));
  EXPECT_EQ(Refusal(spec), "spec.http_version: got 9, want HTTP_1_1 or HTTP_2");
}

TEST(HttpVersionSpecTest, Http2HasNoHeadersOfAConnection) {
  v1::LoadTestSpec spec = Avalanche();
  for (const char* name : {"upgrade", "Keep-Alive", "Proxy-Connection", "TE"}) {
    v1::Header* header = spec.mutable_request()->add_headers();
    header->set_name(name);
    header->set_value("gzip");
  }
  EXPECT_EQ(Refusal(spec), "");
  spec.set_http_version(v1::LoadTestSpec::HTTP_2);
  EXPECT_EQ(Refusal(spec),
            "spec.request.headers[0].name: got \"upgrade\", want a header that HTTP/2 allows\n"
            "spec.request.headers[1].name: got \"Keep-Alive\", want a header that HTTP/2 allows\n"
            "spec.request.headers[2].name: got \"Proxy-Connection\", want a header that HTTP/2 "
            "allows\n"
            "spec.request.headers[3].value: got \"gzip\", want trailers, all that HTTP/2 allows in "
            "TE");
  spec = Avalanche();
  spec.set_http_version(v1::LoadTestSpec::HTTP_2);
  v1::Header* header = spec.mutable_request()->add_headers();
  header->set_name("te");
  header->set_value("trailers");
  EXPECT_EQ(Refusal(spec), "");
}

TEST(TlsSpecTest, FillsTheVersionsIn) {
  const v1::LoadTestSpec spec = *ValidateSpec(Avalanche("https://h/"));
  EXPECT_EQ(spec.tls().min_version(), v1::TlsOptions::TLS_1_2);
  EXPECT_EQ(spec.tls().max_version(), v1::TlsOptions::TLS_1_3);
  EXPECT_FALSE(ValidateSpec(Avalanche())->has_tls());
}

TEST(TlsSpecTest, WantsHttps) {
  v1::LoadTestSpec spec = Avalanche();
  spec.mutable_tls()->set_insecure(true);
  EXPECT_EQ(Refusal(spec),
            "spec.tls: got options for TLS, want none with an http URL, or an https URL");
}

TEST(TlsSpecTest, CertificateAndKeyBelongTogether) {
  v1::LoadTestSpec spec = Tls();
  spec.mutable_tls()->set_client_certificate(kPem);
  EXPECT_EQ(Refusal(spec),
            "spec.tls.client_key: got none, want the one that client_certificate belongs to");
  spec.mutable_tls()->set_client_key(kPem);
  EXPECT_EQ(Refusal(spec), "");
  spec.mutable_tls()->clear_client_certificate();
  EXPECT_EQ(Refusal(spec),
            "spec.tls.client_certificate: got none, want the one that client_key belongs to");
}

TEST(TlsSpecTest, TextsMustBePemAndAreNotShown) {
  v1::LoadTestSpec spec = Tls();
  spec.mutable_tls()->set_client_certificate(kPem);
  spec.mutable_tls()->set_client_key("secret");
  EXPECT_EQ(Refusal(spec), "spec.tls.client_key: got 6 bytes without -----BEGIN, want PEM text");
  spec = Tls();
  spec.mutable_tls()->set_ca_certificates(kPem + std::string(256 << 10, 'x'));
  EXPECT_EQ(Refusal(spec), "spec.tls.ca_certificates: got 262161 bytes, want at most 262144");
}

TEST(TlsSpecTest, RefusesANameThatNoHostHas) {
  v1::LoadTestSpec spec = Tls();
  spec.mutable_tls()->set_server_name("a b");
  EXPECT_EQ(Refusal(spec),
            "spec.tls.server_name: got \"a b\", want a host name of at most 253 letters, digits, "
            "'.', '-' and '_'");
}

TEST(TlsSpecTest, VersionsMustBeKnownAndInOrder) {
  v1::LoadTestSpec spec = Tls();
  spec.mutable_tls()->set_min_version(v1::TlsOptions::TLS_1_3);
  spec.mutable_tls()->set_max_version(v1::TlsOptions::TLS_1_2);
  EXPECT_EQ(Refusal(spec),
            "spec.tls.min_version: got TLS_1_3, want at most max_version, which is TLS_1_2");
  spec.mutable_tls()->set_min_version(static_cast<v1::TlsOptions::Version>(1));
  EXPECT_EQ(Refusal(spec), "spec.tls.min_version: got 1, want TLS_1_2 or TLS_1_3");
}

}  // namespace
}  // namespace loadtest
