// The frame of an HTML report: one file that needs nothing else.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace loadtest {

// Style, the chart library and the data are inline; a policy in the page forbids it to load
// anything, and to run any script but its own. `title` is text, `body` markup.
std::string HtmlPage(std::string_view title, std::string_view body, const nlohmann::json& data);

// "<tag class="css">escaped text</tag>"
std::string Element(std::string_view tag, std::string_view text, std::string_view css = "");

// A place for a chart of report.js, with a heading and, below it, a remark as text.
std::string ChartPlace(std::string_view id, std::string_view heading, std::string_view remark);

// Rows of text. Columns in `numbers` are aligned to the right.
class HtmlTable {
 public:
  explicit HtmlTable(std::vector<std::string> titles, size_t first_number = SIZE_MAX);
  // `css` is a class of the row.
  void Add(const std::vector<std::string>& cells, std::string_view css = "");
  std::string Take();

 private:
  const size_t first_number_;
  std::string html_;
};

}  // namespace loadtest
