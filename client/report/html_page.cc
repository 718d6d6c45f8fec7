#include "client/report/html_page.h"

#include <random>

#include "absl/strings/str_format.h"
#include "client/report/markup.h"
#include "client/report/report_assets.h"
#include "common/base/version.h"

namespace loadtest {
namespace {

// Scripts and styles with it are ours: whoever could put markup into the page cannot know it.
std::string Nonce() {
  std::random_device random;
  return absl::StrFormat("%08x%08x%08x%08x", random(), random(), random(), random());
}

std::string Class(std::string_view css) {
  return css.empty() ? "" : absl::StrFormat(" class=\"%s\"", css);
}

}  // namespace

std::string HtmlPage(std::string_view title, std::string_view body, const nlohmann::json& data) {
  const std::string nonce = Nonce();
  std::string out = "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n";
  out += absl::StrFormat(
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
      "script-src 'nonce-%s'; style-src 'nonce-%s'; img-src data:; base-uri 'none'; form-action "
      "'none'\">\n",
      nonce, nonce);
  out += "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n";
  out += "<meta name=\"color-scheme\" content=\"light dark\">\n";
  out += absl::StrFormat("<meta name=\"generator\" content=\"loadctl %s\">\n", kVersion);
  out += absl::StrFormat("<title>%s</title>\n", EscapeMarkup(title));
  out += absl::StrFormat("<style nonce=\"%s\">\n%s</style>\n</head>\n<body>\n", nonce, kReportCss);
  out += body;
  const std::string json = data.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  out += absl::StrFormat("<script type=\"application/json\" id=\"data\" nonce=\"%s\">%s</script>\n",
                         nonce, EscapeScriptJson(json));
  out += absl::StrFormat("<script nonce=\"%s\">", nonce);
  out += kChartJs;
  out += absl::StrFormat("</script>\n<script nonce=\"%s\">\n", nonce);
  out += kReportJs;
  out += "</script>\n</body>\n</html>\n";
  return out;
}

std::string Element(std::string_view tag, std::string_view text, std::string_view css) {
  return absl::StrFormat("<%s%s>%s</%s>", tag, Class(css), EscapeMarkup(text), tag);
}

std::string ChartPlace(std::string_view id, std::string_view heading, std::string_view remark) {
  std::string out = absl::StrFormat(
      "<figure>\n%s\n<div class=\"chart\"><canvas id=\"%s\" role=\"img\" "
      "aria-label=\"%s\"></canvas></div>\n",
      Element("h2", heading), id, EscapeMarkup(heading));
  if (!remark.empty()) out += Element("figcaption", remark) + "\n";
  return out + "</figure>\n";
}

HtmlTable::HtmlTable(std::vector<std::string> titles, size_t first_number)
    : first_number_(first_number) {
  html_ = "<div class=\"scroll\"><table>\n<thead><tr>";
  for (size_t i = 0; i < titles.size(); ++i) {
    html_ += absl::StrFormat("<th scope=\"col\"%s>%s</th>", Class(i >= first_number_ ? "n" : ""),
                             EscapeMarkup(titles[i]));
  }
  html_ += "</tr></thead>\n<tbody>\n";
}

void HtmlTable::Add(const std::vector<std::string>& cells, std::string_view css) {
  html_ += absl::StrFormat("<tr%s>", Class(css));
  for (size_t i = 0; i < cells.size(); ++i) {
    if (i == 0) {
      html_ += absl::StrFormat("<th scope=\"row\">%s</th>", EscapeMarkup(cells[i]));
    } else {
      html_ += Element("td", cells[i], i >= first_number_ ? "n" : "");
    }
  }
  html_ += "</tr>\n";
}

std::string HtmlTable::Take() { return html_ + "</tbody>\n</table></div>\n"; }

}  // namespace loadtest
