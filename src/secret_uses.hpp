#pragma once

#include "project_secrets.hpp"

#include <set>
#include <string>
#include <string_view>
#include <vector>

/// Towards where the stored secrets of a project go, so that none is led to where it was not meant for. Pure.
namespace iom::host {

/// Names of stored secrets.
using secret_set = std::set<std::string, std::less<>>;

/// A stored secret, or environment variable, on its way to where it was not used before.
struct led_elsewhere {
    std::string by;   ///< the id of the setting, or `rule NAME`
    std::string name; ///< of the secret or variable
    bool environment = false;
};

/// Whatever in `after` inserts `${secret:NAME}` or `${env:NAME}` towards another place than any that it is
/// used towards in `before`: in settings of instances, new or changed, and in rules. Stored ones that were
/// given `anew` may go anywhere. A place is, of an instance, its protocol, host, port, proxy and check of the
/// certificate; of host/http, scheme, host, port and that check; of any other action of the host, that
/// action; of a condition, all that it compares and what is heard before: an answer to "does it contain an
/// a?" tells something, too.
std::vector<led_elsewhere> secrets_led_elsewhere(std::string_view before, std::string_view after,
                                                 const manifest_lookup& modules, const secret_set& anew);

/// Whatever another value of the stored secret `name` would lead elsewhere, because `name` stands in what
/// says where a line leads: all else that is used there and was not given `anew`.
std::vector<led_elsewhere> secrets_led_by_value(std::string_view xml, const std::string& name,
                                                const manifest_lookup& modules, const secret_set& anew);

/// The stored secrets that are used towards where that instance leads.
secret_set secrets_used_at(std::string_view xml, std::string_view instance, const manifest_lookup& modules);

} // namespace iom::host
