#include "client/flags/spec_options.h"

#include <string>

#include "client/flags/options.h"

namespace loadtest {
namespace {

void AddLoad(CLI::App& app, SpecFlags& flags) {
  const std::string load = "Load";
  AddText(app, "-c,--connections", flags.connections, "N",
          "Connections of each driver (default 50)")
      ->group(load);
  AddText(app, "--delay", flags.delay, "DURATION",
          "Tsunami: each driver sends a request every so often, start to start")
      ->group(load);
  AddText(app, "-r,--rate", flags.rate, "N",
          "Rate: requests per second of all drivers together, such as 500 or 2.5k")
      ->group(load);
  AddText(app, "--stages", flags.stages, "STAGES",
          "Rate that changes: FROM:TO@DURATION or RATE@DURATION and so on, such as "
          "0:1k@30s,1k@2m,1k:0@10s")
      ->group(load);
  AddText(
      app, "--arrivals", flags.arrivals, "uniform|poisson",
      "Tsunami and rate: evenly spaced, or at random as independent users are (default uniform)")
      ->group(load);
  AddText(app, "--seed", flags.seed, "N",
          "--arrivals poisson: the same seed makes the same times (default 0)")
      ->group(load);
  AddText(app, "-d,--duration", flags.duration, "DURATION",
          "How long to send (default 10s without -n, or as long as --stages)")
      ->group(load);
  AddText(app, "-n,--requests", flags.requests, "N", "Requests of each driver, such as 1000 or 20k")
      ->group(load);
  AddText(app, "--warmup", flags.warmup, "DURATION",
          "Send for so long at the first rate before, and leave it out of the result")
      ->group(load);
  AddText(app, "--drivers", flags.drivers, "N",
          "Drivers that take part (default: all that are idle)")
      ->group(load);
  AddText(app, "--max-connections", flags.max_connections, "N",
          "Tsunami and rate: connections of a driver when requests are due and none is free "
          "(default 4096)")
      ->group(load);
  AddText(app, "--spin", flags.spin, "DURATION",
          "Tsunami and rate: stay awake for so long before each request, such as 50us, to send it "
          "more exactly; costs CPU")
      ->group(load);
}

void AddRequest(CLI::App& app, SpecFlags& flags) {
  const std::string request = "Request";
  AddText(app, "-X,-m,--method", flags.method, "METHOD",
          "Method (default GET, or POST with a body)")
      ->group(request);
  AddTexts(app, "-H,--header", flags.headers, "'NAME: VALUE'", "A header; may be repeated")
      ->group(request);
  AddText(app, "-b,--body", flags.body, "TEXT|@FILE|@-",
          "Body: the text, a file of up to 64 MiB, or standard input")
      ->group(request);
  app.add_flag("--http2", flags.http2, "HTTP/2; over http:// in clear text, without upgrade")
      ->group(request);
  AddText(app, "--streams", flags.streams, "N",
          "--http2: requests at once on a connection (default 1)")
      ->group(request);
}

void AddTls(CLI::App& app, SpecFlags& flags) {
  const std::string tls = "TLS (https)";
  app.add_flag("-k,--insecure", flags.insecure, "Do not verify the server's certificate")
      ->group(tls);
  AddText(app, "--cacert", flags.ca_certificates, "FILE",
          "Certificates to trust instead of the system's, PEM")
      ->group(tls);
  AddText(app, "--cert", flags.client_certificate, "FILE",
          "Client certificate with its chain, PEM; it travels to the drivers, as --key does")
      ->group(tls);
  AddText(app, "--key", flags.client_key, "FILE", "Its key, PEM")->group(tls);
  AddText(app, "--server-name", flags.server_name, "NAME",
          "Name to ask for and to verify instead of the URL's host")
      ->group(tls);
  AddText(app, "--tls-min", flags.tls_min, "1.2|1.3", "Lowest version (default 1.2)")->group(tls);
  AddText(app, "--tls-max", flags.tls_max, "1.2|1.3", "Highest version (default 1.3)")->group(tls);
  app.add_flag("--no-tls-resumption", flags.no_tls_resumption,
               "A full handshake for each connection")
      ->group(tls);
}

void AddLimits(CLI::App& app, SpecFlags& flags) {
  const std::string limits = "Limits";
  AddText(app, "--timeout", flags.timeout, "DURATION",
          "Longest wait for a whole response (default 10s)")
      ->group(limits);
  AddText(app, "--connect-timeout", flags.connect_timeout, "DURATION",
          "Longest wait for a connection (default 10s)")
      ->group(limits);
  AddText(app, "--drain", flags.drain, "DURATION",
          "How long answers may still come after the last request (default: --timeout)")
      ->group(limits);
  AddText(
      app, "--on-driver-loss", flags.on_driver_loss, "continue|redistribute|abort",
      "When a driver is lost in mid-test: the others go on, take its part over (rate and stages "
      "only), or stop (default continue)")
      ->group(limits);
}

void AddResult(CLI::App& app, SpecFlags& flags) {
  const std::string result = "Result";
  AddTexts(app, "--slo", flags.thresholds, "THRESHOLDS",
           "What the result must keep, such as 'p99<50ms,errors<0.1%,rate>950/s' or "
           "'p99<50ms per 5s'; may be repeated. One that fails makes the exit code 3")
      ->group(result);
  app.add_flag("--abort-on-fail", flags.abort_on_threshold,
               "--slo: stop the test as soon as a threshold cannot be kept any more")
      ->group(result);
}

void AddAbout(CLI::App& app, SpecFlags& flags) {
  const std::string about = "About the test";
  AddText(app, "--title", flags.title, "TEXT", "For people, stands in the report")->group(about);
  AddTexts(app, "-l,--label", flags.labels, "KEY=VALUE",
           "A label, to find it by with ls -l; may be repeated")
      ->group(about);
}

}  // namespace

void AddSpecOptions(CLI::App& app, SpecFlags& flags) {
  app.add_option("URL", flags.arguments,
                 "http://host:port/path, or a plan file that ends in .json.\n"
                 "Before it may stand the type: avalanche, tsunami or rate")
      ->type_name("");
  AddLoad(app, flags);
  AddRequest(app, flags);
  AddTls(app, flags);
  AddLimits(app, flags);
  AddResult(app, flags);
  AddAbout(app, flags);
}

}  // namespace loadtest
