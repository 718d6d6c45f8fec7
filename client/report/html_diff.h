// Two reports over each other, as one HTML file.
#pragma once

#include <string>

#include "client/report/diff_view.h"

namespace loadtest {

std::string HtmlDiff(const Diff& diff);

}  // namespace loadtest
