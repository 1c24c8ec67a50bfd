#pragma once

#include <cstdlib>
#include <string_view>

/// One parser under fuzzing: whatever the bytes, it must end, stay inside its memory and keep its promises.
/// Sanitizers watch the memory; `require` the promises.
void fuzz(std::string_view input);

inline void require(bool promise) {
    if (!promise) {
        std::abort();
    }
}
