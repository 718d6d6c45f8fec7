// What is said about a command line that could not be taken apart.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace loadtest {

// "loadctl", or "loadctl run" once a command was recognized.
std::string PlaceOf(const CLI::App& program);

std::vector<std::string> CommandNames(const CLI::App& program);

// CLI11's words for the most frequent mistakes do not say what to do instead: ours, without the
// place.
std::string ExplainUsage(const CLI::App& program, const CLI::ParseError& error);

}  // namespace loadtest
