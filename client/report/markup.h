// Text into HTML and XML. Everything that a spec or a target may have said goes through here.
#pragma once

#include <string>
#include <string_view>

namespace loadtest {

// For element content and for attribute values in double or single quotes. Control characters,
// which XML does not allow, become U+FFFD.
std::string EscapeMarkup(std::string_view text);

// JSON that can stand within <script>: no tag or comment can begin or end in it.
std::string EscapeScriptJson(std::string_view json);

}  // namespace loadtest
