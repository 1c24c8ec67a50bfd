#include "web/answers.hpp"

namespace iom::host::web {

answer json_answer(int status, const json& body) {
    return {status, body.dump(-1, ' ', false, json::error_handler_t::replace), "application/json", {}};
}

answer problem(int status, std::string_view error, std::string_view sentence, json more) {
    more["error"] = error;
    more["sentence"] = sentence;
    answer made = json_answer(status, more);
    if (more.contains("retryAfter")) {
        made.headers.emplace_back("retry-after", std::to_string(more["retryAfter"].get<int>()));
    }
    return made;
}

answer mistake_at(std::string_view place, std::string_view sentence) {
    return problem(422, "mistakes", sentence,
                   {{"mistakes", {{{"sentence", sentence}, {"warning", false}, {"at", place}}}}});
}

answer no_such(std::string_view what) {
    return problem(404, "not-found", "There is no " + std::string(what) + " (any more).");
}

answer nothing_to_say() {
    return {204, {}, {}, {}};
}

answer others_are_saving() {
    return problem(503, "busy", "Others are saving right now. Try again in a moment.", {{"retryAfter", 1}});
}

answer controller_is_busy() {
    return problem(503, "busy", "The controller has too much to do for the page right now.",
                   {{"retryAfter", 1}});
}

} // namespace iom::host::web
