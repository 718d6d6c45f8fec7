#include "driver/engine/request_bytes.h"

#include <gtest/gtest.h>

#include "common/base/version.h"

namespace loadtest {
namespace {

v1::HttpRequest Request(const std::string& method) {
  v1::HttpRequest request;
  request.set_method(method);
  return request;
}

void AddHeader(v1::HttpRequest& request, const std::string& name, const std::string& value) {
  v1::Header& header = *request.add_headers();
  header.set_name(name);
  header.set_value(value);
}

Url PingUrl() { return {.host = "h", .port = 81, .target = "/ping?x=1", .authority = "h:81"}; }

TEST(RequestBytesTest, APlainGet) {
  EXPECT_EQ(BuildRequestBytes(Request("GET"), PingUrl()),
            "GET /ping?x=1 HTTP/1.1\r\nHost: h:81\r\nUser-Agent: loadtest-driver/" +
                std::string(kVersion) + "\r\nAccept: */*\r\n\r\n");
}

TEST(RequestBytesTest, GivenHeadersReplaceDefaultsAndKeepTheirOrder) {
  v1::HttpRequest request = Request("GET");
  AddHeader(request, "X-B", "1");
  AddHeader(request, "host", "other");
  AddHeader(request, "user-agent", "me");
  AddHeader(request, "X-B", "2");
  AddHeader(request, "ACCEPT", "text/html");
  EXPECT_EQ(BuildRequestBytes(request, PingUrl()),
            "GET /ping?x=1 HTTP/1.1\r\nHost: other\r\nX-B: 1\r\nuser-agent: me\r\nX-B: 2\r\n"
            "ACCEPT: text/html\r\n\r\n");
}

TEST(RequestBytesTest, ABodyComesWithItsLength) {
  v1::HttpRequest request = Request("POST");
  request.set_body(std::string("a\0b", 3));
  const std::string bytes = BuildRequestBytes(request, PingUrl());
  EXPECT_NE(bytes.find("\r\nContent-Length: 3\r\n\r\n" + std::string("a\0b", 3)),
            std::string::npos);
}

TEST(RequestBytesTest, AnEmptyPostSaysThatItIsEmptyAndAGetSaysNothing) {
  for (const char* method : {"POST", "PUT", "PATCH"}) {
    EXPECT_NE(BuildRequestBytes(Request(method), PingUrl()).find("Content-Length: 0\r\n"),
              std::string::npos);
  }
  for (const char* method : {"GET", "HEAD", "DELETE"}) {
    EXPECT_EQ(BuildRequestBytes(Request(method), PingUrl()).find("Content-Length"),
              std::string::npos);
  }
}

}  // namespace
}  // namespace loadtest
