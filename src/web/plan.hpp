#pragma once

#include "web/body.hpp"

/// Private to src/web: one edit of the project on its road; see edits.cpp.
namespace iom::host::web {

/// One edit on its road.
struct web::body::plan {
    visitor who;                               ///< whose it is
    std::shared_ptr<const std::string> source; ///< of the project that the edit was made in
    std::string text;                          ///< of the project, as it would be
    std::vector<named_secret> secrets;         ///< values to be kept beside it
    std::vector<std::string> touched;          ///< instances whose settings the modules are to judge
    std::vector<std::string> needs_secrets;
    bool environment = false;                            ///< and what needs them are not secrets alone
    std::function<std::string(const spot& where)> place; ///< in the request's body; nothing: somewhere else
    std::function<std::string(const words& after)> revision;
    std::string name;               ///< to be told
    std::vector<std::string> rules; ///< changed along
    json mistakes = json::array();  ///< found already
    bool restarts = false;
    bool lines = false; ///< mistakes have line and column instead of a place
    bool check = false;
    int status = 200;
};

} // namespace iom::host::web
