// The files of the web page as they are served.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>

#include <string>

#include "server/api/rest_server.h"
#include "server/web/web_assets.h"
#include "tests/server/api/fake_control_plane.h"

namespace loadtest {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST(WebPageTest, PageAndItsFilesAreServedWithTheirTypes) {
  FakeControlPlane fake;
  const auto server = RestServer::Start("127.0.0.1:0", fake);
  ASSERT_TRUE(server.ok()) << server.status();
  httplib::Client client("127.0.0.1", (*server)->port());
  EXPECT_EQ(client.Get("/")->get_header_value("Content-Type"), "text/html; charset=utf-8");
  EXPECT_EQ(client.Get("/app.js")->get_header_value("Content-Type"),
            "text/javascript; charset=utf-8");
  EXPECT_EQ(client.Get("/style.css")->get_header_value("Content-Type"), "text/css; charset=utf-8");
  EXPECT_THAT(client.Get("/")->body, StartsWith("<!doctype html>"));
  EXPECT_EQ(client.Get("/")->get_header_value("Content-Security-Policy"),
            "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'");
}

TEST(WebPageTest, NothingIsLoadedFromElsewhere) {
  for (const WebAsset& asset : WebAssets()) {
    EXPECT_THAT(std::string(asset.content), Not(HasSubstr("//cdn"))) << asset.path;
    EXPECT_THAT(std::string(asset.content), Not(HasSubstr("src=\"http"))) << asset.path;
    EXPECT_THAT(std::string(asset.content), Not(HasSubstr("@import"))) << asset.path;
  }
}

TEST(WebPageTest, DataIsNeverInsertedAsMarkup) {
  for (const WebAsset& asset : WebAssets()) {
    if (asset.path == "/chart.min.js") continue;  // not ours
    for (const char* way :
         {"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("}) {
      EXPECT_THAT(std::string(asset.content), Not(HasSubstr(way))) << asset.path;
    }
  }
}

}  // namespace
}  // namespace loadtest
