// What a person probably meant by a word that is not known.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace loadtest {

// The one of `known` that a slip or two away from `word` (a letter more, less, other, or two
// swapped); empty when none is near.
std::string Nearest(std::string_view word, const std::vector<std::string>& known);

// "; did you mean rate?", or nothing.
std::string DidYouMean(std::string_view word, const std::vector<std::string>& known);

}  // namespace loadtest
