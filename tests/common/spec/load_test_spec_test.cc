#include "common/spec/load_test_spec.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "common/config/config.h"

namespace loadtest {
namespace {

v1::LoadTestSpec Avalanche() {
  v1::LoadTestSpec spec;
  spec.mutable_request()->set_url("http://127.0.0.1:8081/ping");
  spec.mutable_avalanche();
  return spec;
}

v1::LoadTestSpec Tsunami(int64_t delay_ns) {
  v1::LoadTestSpec spec = Avalanche();
  *spec.mutable_tsunami()->mutable_delay() = ToDuration(delay_ns);
  return spec;
}

std::string Refusal(const v1::LoadTestSpec& spec) {
  return std::string(ValidateSpec(spec).status().message());
}

TEST(ValidateSpecTest, FillsTheDefaultsIn) {
  const v1::LoadTestSpec spec = *ValidateSpec(Tsunami(5'000'000));
  EXPECT_EQ(spec.request().method(), "GET");
  EXPECT_EQ(spec.connections(), 50);
  EXPECT_EQ(spec.max_connections(), 4'096);
  EXPECT_EQ(ToNanos(spec.duration()), 10'000'000'000);
  EXPECT_EQ(ToNanos(spec.connect_timeout()), 10'000'000'000);
  EXPECT_EQ(ToNanos(spec.request_timeout()), 10'000'000'000);
  EXPECT_EQ(ToNanos(spec.drain_timeout()), 10'000'000'000);
  EXPECT_EQ(spec.on_driver_loss(), v1::LoadTestSpec::CONTINUE);
}

TEST(ValidateSpecTest, IsTheSameWhenItIsDoneTwice) {
  const v1::LoadTestSpec once = *ValidateSpec(Avalanche());
  EXPECT_EQ(ValidateSpec(once)->SerializeAsString(), once.SerializeAsString());
}

TEST(ValidateSpecTest, LeavesTheDurationOpenWhenANumberOfRequestsIsGiven) {
  v1::LoadTestSpec spec = Avalanche();
  spec.set_requests_per_driver(5);
  EXPECT_FALSE(ValidateSpec(spec)->has_duration());
}

TEST(ValidateSpecTest, HasALineForEachWrongField) {
  v1::LoadTestSpec spec = Tsunami(0);
  spec.set_connections(-1);
  EXPECT_EQ(
      Refusal(spec),
      "spec.tsunami.delay: got 0s, want 1us to 1h\nspec.connections: got -1, want 1 to 100000");
}

TEST(ValidateSpecTest, RefusesEachFieldOutsideItsRange) {
  v1::LoadTestSpec spec = Avalanche();
  spec.clear_load();
  EXPECT_EQ(Refusal(spec), "spec.load: got none, want one of avalanche, tsunami, rate, stages");
  spec = Avalanche();
  spec.clear_request();
  EXPECT_EQ(Refusal(spec),
            "spec.request.url: got nothing, want http[s]://host[:port][/path][?query]");
  spec = Avalanche();
  spec.mutable_rate()->set_requests_per_second(std::numeric_limits<double>::quiet_NaN());
  EXPECT_EQ(Refusal(spec), "spec.rate.requests_per_second: got nan, want 1e-06 to 1e+09");
  spec = Avalanche();
  spec.mutable_duration()->set_seconds(-5);
  EXPECT_EQ(Refusal(spec), "spec.duration: got -5s, want 1ms to 168h");
  spec = Avalanche();
  spec.mutable_duration()->set_seconds(std::numeric_limits<int64_t>::max());
  EXPECT_EQ(Refusal(spec), "spec.duration: got 9223372036854775807s, want 1ms to 168h");
  spec = Avalanche();
  spec.set_requests_per_driver(-1);
  EXPECT_EQ(Refusal(spec), "spec.requests_per_driver: got -1, want 0 to 1000000000000");
  spec = Avalanche();
  spec.set_drivers(10'001);
  EXPECT_EQ(Refusal(spec), "spec.drivers: got 10001, want 0 to 10000");
  spec = Tsunami(1'000'000);
  spec.set_connections(10);
  spec.set_max_connections(5);
  EXPECT_EQ(Refusal(spec), "spec.max_connections: got 5, want 10 to 100000");
  spec = Avalanche();
  spec.set_max_connections(5);
  EXPECT_EQ(Refusal(spec),
            "spec.max_connections: got 5, want 0: an avalanche keeps to its connections");
  spec = Tsunami(1'000'000);
  spec.set_connections(1'000'000'000);
  EXPECT_EQ(Refusal(spec), "spec.connections: got 1000000000, want 1 to 100000");
  spec = Avalanche();
  (*spec.mutable_labels())[""] = "x";
  EXPECT_EQ(Refusal(spec), "spec.labels: got key \"\", want 1 to 63 bytes");
}

TEST(ValidateSpecTest, RedistributesOnlyWhatDriversShare) {
  v1::LoadTestSpec spec = Avalanche();
  spec.set_on_driver_loss(v1::LoadTestSpec::REDISTRIBUTE);
  EXPECT_EQ(
      Refusal(spec),
      "spec.on_driver_loss: got REDISTRIBUTE with an avalanche, want CONTINUE or ABORT: only a "
      "rate or stages, which drivers share, can be dealt out anew");
  *spec.mutable_tsunami()->mutable_delay() = ToDuration(1'000'000);
  EXPECT_EQ(Refusal(spec),
            "spec.on_driver_loss: got REDISTRIBUTE with a tsunami, want CONTINUE or ABORT: only a "
            "rate or stages, which drivers share, can be dealt out anew");
  spec.mutable_rate()->set_requests_per_second(100);
  EXPECT_EQ(Refusal(spec), "");
  spec.set_requests_per_driver(10);
  EXPECT_EQ(Refusal(spec),
            "spec.on_driver_loss: got REDISTRIBUTE with requests_per_driver, want a duration "
            "instead: drivers that take over send more requests than the others");
  spec.clear_requests_per_driver();
  spec.set_on_driver_loss(static_cast<v1::LoadTestSpec::OnDriverLoss>(9));
  EXPECT_EQ(Refusal(spec), "spec.on_driver_loss: got 9, want CONTINUE, REDISTRIBUTE or ABORT");
}

TEST(ValidateSpecTest, LetsDriversRejoinWhereTheirPartIsKnown) {
  v1::LoadTestSpec spec = Avalanche();
  spec.set_rejoin(true);
  EXPECT_EQ(Refusal(spec), "");
  spec.set_on_driver_loss(v1::LoadTestSpec::ABORT);
  EXPECT_EQ(Refusal(spec),
            "spec.rejoin: got true with on_driver_loss ABORT, want false: the test has stopped "
            "before a driver can come back");
  spec.clear_on_driver_loss();
  spec.set_requests_per_driver(10);
  EXPECT_EQ(Refusal(spec),
            "spec.rejoin: got true with requests_per_driver, want a duration instead: nobody knows "
            "how many requests a lost driver has sent");
}

TEST(ValidateSpecTest, BoundsTheLabelsOfDrivers) {
  v1::LoadTestSpec spec = Avalanche();
  (*spec.mutable_driver_labels())["zone"] = "x";
  EXPECT_EQ(Refusal(spec), "");
  (*spec.mutable_driver_labels())[""] = "x";
  EXPECT_EQ(Refusal(spec), "spec.driver_labels: got key \"\", want 1 to 63 bytes");
}

TEST(ValidateSpecTest, RefusesWhatWouldBreakTheRequestApart) {
  v1::LoadTestSpec spec = Avalanche();
  spec.mutable_request()->set_method("GET /x");
  EXPECT_EQ(Refusal(spec), "spec.request.method: got \"GET /x\", want a token such as GET or POST");
  spec = Avalanche();
  v1::Header* header = spec.mutable_request()->add_headers();
  header->set_name("A B");
  EXPECT_EQ(Refusal(spec),
            "spec.request.headers[0].name: got \"A B\", want a header name such as Accept");
  header->set_name("X");
  header->set_value("a\r\nEvil: 1");
  EXPECT_EQ(Refusal(spec),
            "spec.request.headers[0].value: got \"a\\x0d\\x0aEvil: 1\", want no line breaks or "
            "control characters");
  header->set_value("a");
  header->set_name("content-length");
  EXPECT_EQ(Refusal(spec),
            "spec.request.headers[0].name: got \"content-length\", want a header that the driver "
            "does not set itself");
}

TEST(ValidateSpecTest, RefusesWhatDoesNotFitIntoAKafkaRecord) {
  v1::LoadTestSpec spec = Avalanche();
  spec.mutable_request()->set_body(std::string(512 << 10, 'x'));
  for (int i = 0; i < 30; ++i) {
    v1::Header* header = spec.mutable_request()->add_headers();
    header->set_name("X");
    header->set_value(std::string(16'384, 'x'));
  }
  EXPECT_EQ(Refusal(spec), "");
  for (int i = 0; i < 8; ++i) *spec.mutable_request()->add_headers() = spec.request().headers(0);
  EXPECT_EQ(Refusal(spec).substr(0, 27), "spec without its body: got ");
}

TEST(ValidateSpecTest, ABodyHasUpTo64MiB) {
  v1::LoadTestSpec spec = Avalanche();
  spec.mutable_request()->set_body(std::string((64 << 20) + 1, 'x'));
  EXPECT_EQ(Refusal(spec), "spec.request.body: got 67108865 bytes, want at most 67108864");
  spec.mutable_request()->mutable_body()->pop_back();
  EXPECT_EQ(ValidateSpec(spec)->request().body_bytes(), 64 << 20);
}

TEST(ValidateSpecTest, ABodyThatWasLeftOutIsMissed) {
  v1::LoadTestSpec spec = Avalanche();
  spec.mutable_request()->set_body_bytes(300'000);
  EXPECT_EQ(Refusal(spec),
            "spec.request.body_bytes: got 300000 and no body, want the body: it was left out of "
            "what you copied");
  EXPECT_EQ(ValidateSpec(spec, BodyIn::kParts)->request().body_bytes(), 300'000);
  spec.mutable_request()->set_body("abc");
  EXPECT_EQ(Refusal(spec),
            "spec.request.body_bytes: got 300000, want 3, the size of the body, or 0");
}

TEST(ParseUrlTest, SplitsHostPortAndTarget) {
  const Url url = *ParseUrl("http://api.example.com:8080/a/b?c=d");
  EXPECT_EQ(url.host, "api.example.com");
  EXPECT_EQ(url.port, 8080);
  EXPECT_EQ(url.target, "/a/b?c=d");
  EXPECT_EQ(url.authority, "api.example.com:8080");
  EXPECT_EQ(ParseUrl("http://a")->target, "/");
  EXPECT_EQ(ParseUrl("http://a")->port, 80);
  EXPECT_EQ(ParseUrl("http://a?x")->target, "/?x");
  EXPECT_EQ(ParseUrl("HTTP://[::1]:81/")->host, "::1");
  EXPECT_EQ(ParseUrl("http://[::1]:81/")->authority, "[::1]:81");
}

TEST(ParseUrlTest, HttpsHasItsOwnPort) {
  EXPECT_TRUE(ParseUrl("https://a/x")->is_tls);
  EXPECT_EQ(ParseUrl("https://a/x")->port, 443);
  EXPECT_EQ(ParseUrl("HTTPS://a:8443")->port, 8443);
  EXPECT_EQ(ParseUrl("https://a/x")->host, "a");
  EXPECT_FALSE(ParseUrl("http://a/x")->is_tls);
}

TEST(ParseUrlTest, RefusesWhatIsNoHttpUrl) {
  for (const char* text : {"",
                           "x",
                           "ftp://a",
                           "http://",
                           "http:///p",
                           "http://a:0",
                           "http://a:65536",
                           "http://a:x",
                           "http://a:",
                           "http://u:p@a/",
                           "http://a/#f",
                           "http://a b/",
                           "http://a/\r\nX: y",
                           "http://[::1",
                           "http://[zz]/",
                           "http://a/\xc3\xa9",
                           "http://a$b/",
                           "https://",
                           "https://u@a/",
                           "httpsx://a/"}) {
    EXPECT_FALSE(ParseUrl(text).ok()) << text;
  }
  EXPECT_EQ(ParseUrl("ftp://x").status().message(),
            "got \"ftp://x\", want http[s]://host[:port][/path][?query]");
}

TEST(LoadTestIdTest, AcceptsOnlySafeIds) {
  EXPECT_TRUE(CheckLoadTestId("a", "id").ok());
  EXPECT_TRUE(CheckLoadTestId("checkout-2", "id").ok());
  for (const char* id : {"", "A", "1a", "-a", "a_b", "a/b", "a b"})
    EXPECT_FALSE(CheckLoadTestId(id, "id").ok()) << id;
  EXPECT_FALSE(CheckLoadTestId(std::string(64, 'a'), "id").ok());
  EXPECT_EQ(*LoadTestIdOfName("loadTests/a-1", "name"), "a-1");
  EXPECT_EQ(LoadTestIdOfName("a-1", "name").status().message(),
            "name: got \"a-1\", want loadTests/ID, ID being 1 to 63 of a-z, 0-9 and '-'");
}

TEST(DescribeSpecTest, SaysWhatIsSpecialAboutTheLoad) {
  v1::LoadTestSpec spec = Tsunami(5'000'000);
  spec.set_arrivals(v1::LoadTestSpec::POISSON);
  *spec.mutable_warmup() = ToDuration(5'000'000'000);
  EXPECT_EQ(DescribeSpec(*ValidateSpec(spec), 3),
            "3 drivers x 200/s = 600/s, open loop (tsunami, Poisson arrivals, 5ms apart on "
            "average), 10s, after a warm-up of 5s");
  spec.mutable_rate()->set_requests_per_second(100);
  spec.clear_warmup();
  spec.set_http_version(v1::LoadTestSpec::HTTP_2);
  EXPECT_EQ(DescribeSpec(*ValidateSpec(spec), 0),
            "every idle driver, 100/s in all, open loop (rate, Poisson arrivals), 10s, HTTP/2");
  spec = Avalanche();
  spec.set_http_version(v1::LoadTestSpec::HTTP_2);
  spec.set_streams(10);
  EXPECT_EQ(DescribeSpec(*ValidateSpec(spec), 1),
            "1 driver x 50 connections, closed loop (avalanche), 10s, HTTP/2 x 10 streams a "
            "connection");
}

TEST(DescribeSpecTest, SaysWhatWasUnderstood) {
  v1::LoadTestSpec spec = *ValidateSpec(Tsunami(5'000'000));
  EXPECT_EQ(DescribeSpec(spec, 3),
            "3 drivers x 200/s = 600/s, open loop (tsunami, a request every 5ms), 10s");
  EXPECT_EQ(DescribeSpec(spec, 0),
            "every idle driver x 200/s, open loop (tsunami, a request every 5ms), 10s");
  spec = Avalanche();
  spec.set_requests_per_driver(20'000);
  EXPECT_EQ(DescribeSpec(*ValidateSpec(spec), 1),
            "1 driver x 50 connections, closed loop (avalanche), 20,000 requests a driver");
  spec = Avalanche();
  spec.mutable_rate()->set_requests_per_second(10'000);
  EXPECT_EQ(DescribeSpec(*ValidateSpec(spec), 4),
            "4 drivers x 2,500/s = 10,000/s, open loop (rate), 10s");
}

TEST(LongestRunTest, IsTheShorterOfDurationAndCountPlusTheDrain) {
  v1::LoadTestSpec spec = Tsunami(5'000'000);
  spec.set_requests_per_driver(1'000);
  EXPECT_EQ(LongestRunNs(*ValidateSpec(spec), 1), 15'000'000'000);
  spec.mutable_duration()->set_seconds(2);
  EXPECT_EQ(LongestRunNs(*ValidateSpec(spec), 1), 12'000'000'000);
  spec = Avalanche();
  spec.set_requests_per_driver(1);
  EXPECT_EQ(LongestRunNs(*ValidateSpec(spec), 1), -1);
}

}  // namespace
}  // namespace loadtest
